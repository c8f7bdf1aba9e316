/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "crl_text.h"
#include "internal.h"

/*
 * SIGN_CRL: the list is written here, from the revoked index, so that it is
 * complete by construction. The TBSCertList goes to an unnamed file in the target
 * directory while it is hashed; the CertificateList is put together in another one
 * when the signature is there, and gets its name once SIGNED is durable: before
 * that nobody can read the signature, and a crash leaves nothing behind.
 */

#define YEAR_S INT64_C(31557600)
/* Beyond any list's use; keeps nextUpdate far from where times end. */
#define CRL_PERIOD_MAX_S (100 * YEAR_S)
/* In base64 it must fit into a record; real names have some hundred octets. */
#define CRL_ISSUER_MAX 16384

/* Lists of one scope that a daemon keeps: readers that have one open, and caches on the
 * way, ask for the newest. */
#define CRL_KEPT 4

struct crl_work {
	char *scope, *idp_url, *path, *dir;
	struct buf issuer;
	uint8_t aki[20];
	int64_t period_s;
	bool named; /* the caller chose the path */
	/* Being made. */
	int fd;    /* TBSCertList                */
	int out;   /* CertificateList, no name   */
	void *map; /* of fd, for Ed25519         */
	uint64_t tbs_bytes, entries, number, bytes;
	int64_t this_s, next_s;
	uint64_t position;
};

void
crl_work_free(struct crl_work *w)
{
	if (w == NULL)
		return;
	if (w->map != NULL)
		(void)munmap(w->map, w->tbs_bytes);
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->out >= 0)
		(void)close(w->out);
	buf_free(&w->issuer);
	mem_free(w->scope);
	mem_free(w->idp_url);
	mem_free(w->path);
	mem_free(w->dir);
	mem_free(w);
}

void
crl_work_answer(const struct crl_work *w, struct signer_reply *a)
{
	if (w == NULL)
		return;
	a->path = w->path;
	a->crl_number = w->number;
	a->entries = w->entries;
	a->bytes = w->bytes;
}

/* A partition's list is complete for the certificates that point to its URL, and for
 * no others: under another partition's URL it would hide theirs (RFC 5280 6.3.3 b). */
static bool
url_check(const struct signer_crl *req, int64_t partition, struct error *e)
{
	if (req->idp_url == NULL)
		return partition < 0 ||
		    error_set(e, FAIL_BAD_INPUT,
			"a partition needs the URL of its distribution point "
			"(RFC 5280 5.2.5)");
	if (strlen(req->idp_url) > CRL_URL_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "URL: longer than %d octets", CRL_URL_MAX);
	if (partition >= 0 &&
	    partition_of_url(bytes_str(req->idp_url)) != partition)
		return error_set(e, FAIL_BAD_INPUT,
		    "URL: does not name partition-%lld", (long long)partition);
	return true;
}

static bool
crl_check(const struct signer *s, const struct signer_crl *req, struct error *e)
{
	int64_t partition;

	if (!crl_scope_check(req->scope, &partition, e) ||
	    !url_check(req, partition, e))
		return false;
	if (req->period_s < 1 || req->period_s > CRL_PERIOD_MAX_S)
		return error_set(e, FAIL_BAD_INPUT,
		    "period: not between 1 s and %d years",
		    (int)(CRL_PERIOD_MAX_S / YEAR_S));
	if (req->issuer.n == 0 || req->issuer.n > CRL_ISSUER_MAX)
		return error_set(e, FAIL_BAD_INPUT,
		    "issuer: %zu bytes, allowed 1 to %d", req->issuer.n,
		    CRL_ISSUER_MAX);
	if ((unsigned)req->alg >= SIG_ALG__COUNT)
		return error_set(e, FAIL_BAD_INPUT, "algorithm: unknown");
	if (req->path == NULL && s->cfg.crl_dir == NULL)
		return error_set(e, FAIL_BAD_INPUT,
		    "no path and no CRL directory configured");
	/* A daemon's callers do not say where files go. */
	if (req->path != NULL && !s->cfg.reg.offline)
		return error_set(e, FAIL_BAD_INPUT,
		    "path: only an offline signer takes one");
	return req->path == NULL || file_check_absent(req->path, e);
}

bool
signer_sign_crl(struct signer *s, const struct signer_crl *req,
    signer_done_fn *done, void *arg, struct error *e)
{
	struct request *r;
	struct crl_work *w;

	if (!crl_check(s, req, e))
		return false;
	r = request_new(s, &request_crl, &req->key, &req->claim, done, arg, e);
	if (r == NULL)
		return false;
	r->alg = req->alg;
	r->crl = w = mem_calloc(1, sizeof(*w));
	w->fd = w->out = -1;
	w->scope = mem_strdup(req->scope);
	if (req->idp_url != NULL)
		w->idp_url = mem_strdup(req->idp_url);
	w->named = req->path != NULL;
	if (w->named)
		w->path = mem_strdup(req->path);
	buf_add_bytes(&w->issuer, req->issuer);
	memcpy(w->aki, req->issuer_key_id, sizeof(w->aki));
	w->period_s = req->period_s;
	request_queue(s, r);
	return true;
}

/* One builder per key and scope: another one that is on its way is waited for, so
 * that revocations which arrived meanwhile share the next list. */
static bool
another_runs(const struct signer *s, const struct request *r)
{
	const struct request_list *lists[] = { &s->admitted, &s->flying,
		&s->finished };
	const struct request *o;
	size_t i;

	for (i = 0; i < countof(lists); i++)
		TAILQ_FOREACH(o, lists[i], link)
	if (o->crl != NULL && o->key == r->key &&
	    strcmp(o->crl->scope, r->crl->scope) == 0)
		return true;
	return false;
}

/* ---- writing ----------------------------------------------------------- */

static bool
sink(void *arg, struct bytes piece, struct error *e)
{
	const struct crl_work *w = arg;

	return fd_write_all(w->fd, piece, e);
}

static bool
make_dirs(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	char hex[2 * SHA256_LEN + 1], name[80];
	auto_mem char *parent = NULL;
	const char *slash;
	char *c;

	if (w->named) {
		slash = strrchr(w->path, '/');
		w->dir = slash == NULL
		    ? mem_strdup(".")
		    : mem_printf("%.*s", (int)(slash - w->path + 1), w->path);
		return true;
	}
	hex_encode(sha256_bytes(&r->key->id), hex);
	(void)snprintf(name, sizeof(name), "%s", w->scope);
	for (c = name; *c != '\0'; c++)
		if (*c == ':')
			*c = '-';
	parent = path_join(s->cfg.crl_dir, hex);
	mem_free(w->dir);
	w->dir = path_join(parent, name);
	mem_free(w->path);
	w->path =
	    mem_printf("%s/%llu.crl", w->dir, (unsigned long long)w->number);
	return dir_create(s->cfg.crl_dir, 0755, e) &&
	    dir_create(parent, 0755, e) && dir_create(w->dir, 0755, e);
}

static bool
write_tbs(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	const struct reg_state *state = reg_get_state(s->reg);
	struct crl_text t = { .state = state,
		.key = r->key->id,
		.last = reg_state_crl(state, &r->key->id, w->scope),
		.position = w->position,
		.scope = w->scope,
		.p = { .issuer = buf_bytes(&w->issuer),
		    .alg = r->alg,
		    .this_update_s = w->this_s,
		    .next_update_s = w->next_s,
		    .number = w->number,
		    .idp_url = w->idp_url,
		    .delta_base = -1 } };
	size_t digest_n = 0;

	memcpy(t.p.aki, w->aki, sizeof(t.p.aki));
	w->fd = open(w->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return error_errno(e, FAIL_IO, "%s", w->dir);
	if (!crl_text_write(&t, sink, w, r->one.digest, &digest_n,
		&w->tbs_bytes, &w->entries, e))
		return false;
	r->one.to_sign = bytes_of(r->one.digest, digest_n);
	return true;
}

/* Ed25519 signs the message: the file is mapped, not read. */
static bool
map_message(struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;

	if (sig_alg_info(r->alg)->prehash)
		return true;
	w->map = mmap(NULL, w->tbs_bytes, PROT_READ, MAP_PRIVATE, w->fd, 0);
	if (w->map == MAP_FAILED) {
		w->map = NULL;
		return error_errno(e, FAIL_IO, "mmap");
	}
	r->one.to_sign = bytes_of(w->map, w->tbs_bytes);
	return true;
}

/* SHA-256 of the TBS for the record, whatever the signature hashes with. */
static bool
tbs_hash(const struct request *r, struct sha256 *out, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(r->alg);
	static uint8_t piece[65536];
	struct digest *d;
	uint64_t at;
	ssize_t n;

	if (info->prehash && info->digest == DIGEST_SHA256) {
		memcpy(out->b, r->one.digest, SHA256_LEN);
		return true;
	}
	d = digest_new(DIGEST_SHA256);
	for (at = 0; at < r->crl->tbs_bytes; at += (uint64_t)n) {
		n = pread(r->crl->fd, piece, sizeof(piece), (off_t)at);
		if (n <= 0) {
			digest_free(d);
			return error_errno(e, FAIL_IO, "reading back the CRL");
		}
		digest_add(d, bytes_of(piece, (size_t)n));
	}
	(void)digest_finish(d, out->b);
	return true;
}

static bool
intent(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	struct sha256 h;
	struct record rec;

	if (!tbs_hash(r, &h, e))
		return false;
	record_init(&rec, REC_INTENT);
	record_text(&rec, "alg", sig_alg_info(r->alg)->name);
	record_int(&rec, "crl", (int64_t)w->number);
	record_int(&rec, "entries", (int64_t)w->entries);
	record_bytes(&rec, "issuer", buf_bytes(&w->issuer));
	record_hash(&rec, "key", &r->key->id);
	record_text(&rec, "kind", r->kind);
	record_time(&rec, "next", w->next_s);
	record_int(&rec, "position", (int64_t)w->position);
	record_bytes(&rec, "req", bytes_of(r->id, r->id_len));
	record_text(&rec, "scope", w->scope);
	record_hash(&rec, "sha256", &h);
	record_time(&rec, "this", w->this_s);
	record_text(&rec, "url", w->idp_url);
	request_claim(r, &rec);
	return reg_append(s->reg, &rec, (struct bytes){ 0 }, &r->intent, e);
}

static bool
admit(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	struct charter_usage u = { 0 };
	const struct state_crl *last;
	int64_t now_ms;

	r->kind = "crl";
	r->waits = another_runs(s, r);
	if (r->waits)
		return false;
	if (!sig_alg_fits(r->alg, r->key->spki.type))
		return request_refuse(r, "structure-algorithm", "signature", e);
	if (memcmp(w->aki, r->key->key_id, 20) != 0)
		return request_refuse(r, "structure-aki",
		    "extensions.authorityKeyIdentifier", e);
	if (!signer_issuer_ok(s, r->key, buf_bytes(&w->issuer)))
		return request_refuse(r, "structure-issuer", "issuer", e);
	if (!reg_now(s->reg, &now_ms, e))
		return false;
	w->this_s = now_ms / 1000;
	w->next_s = w->this_s + w->period_s;
	last = reg_state_crl(reg_get_state(s->reg), &r->key->id, w->scope);
	w->number = last == NULL ? 1 : last->number + 1;
	w->position = reg_size(s->reg);
	signer_usage(s, r->key, &u, w->this_s);
	return charter_allows_list(r->key->charter, KIND_CRL, w->this_s,
		   w->next_s, &u, &r->verdict, e) &&
	    make_dirs(s, r, e) && write_tbs(s, r, e) && map_message(r, e) &&
	    intent(s, r, e);
}

/* ---- putting it together ----------------------------------------------- */

static bool
copy_tbs(int to, const struct crl_work *w, struct error *e)
{
	static uint8_t piece[65536];
	uint64_t at;
	ssize_t n;

	for (at = 0; at < w->tbs_bytes; at += (uint64_t)n) {
		n = pread(w->fd, piece, sizeof(piece), (off_t)at);
		if (n <= 0)
			return error_errno(e, FAIL_IO, "reading back the CRL");
		if (!fd_write_all(to, bytes_of(piece, (size_t)n), e))
			return false;
	}
	return true;
}

static bool
complete(unused_arg struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };

	crl_outer(w->tbs_bytes, r->alg, buf_bytes(&r->one.sig), &head, &tail);
	w->out = open(w->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	if (w->out < 0)
		return error_errno(e, FAIL_IO, "%s", w->dir);
	w->bytes = head.n + w->tbs_bytes + tail.n;
	if (!fd_write_all(w->out, buf_bytes(&head), e) ||
	    !copy_tbs(w->out, w, e) ||
	    !fd_write_all(w->out, buf_bytes(&tail), e))
		return false;
	if (fsync(w->out) != 0)
		return error_errno(e, FAIL_IO, "%s: fsync", w->path);
	return true;
}

/* A daemon's folder holds the last lists only: an older one is in nobody's use, and can be
 * made again, byte for byte, from its INTENT. A large one a minute would fill the disk. */
static void
drop_old(const struct signer *s, const struct crl_work *w)
{
	auto_mem char *path = NULL;

	if (w->named || s->cfg.reg.offline || w->number <= CRL_KEPT)
		return;
	path = mem_printf("%s/%llu.crl", w->dir,
	    (unsigned long long)(w->number - CRL_KEPT));
	(void)unlink(path);
}

static bool
release(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	char fd[40];

	/* The way to name such a file without a capability (open(2)). */
	(void)snprintf(fd, sizeof(fd), "/proc/self/fd/%d", w->out);
	if (linkat(AT_FDCWD, fd, AT_FDCWD, w->path, AT_SYMLINK_FOLLOW) != 0)
		return error_errno(e, errno == EEXIST ? FAIL_EXISTS : FAIL_IO,
		    "%s", w->path);
	drop_old(s, w);
	return dir_sync(w->dir, e);
}

const struct request_type request_crl = {
	.name = "crl",
	.admit = admit,
	.complete = complete,
	.release = release,
};
