/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chancery/base/file.h>
#include <chancery/base/text.h>

#include "crl_work.h"

/* Files of lists: see crl_work.h. */

/* Lists of one scope that a daemon keeps: readers that have one open, and caches on the
 * way, ask for the newest. */
#define CRL_KEPT 4

/* ---- writing ----------------------------------------------------------- */

/* What is written goes to the disk meanwhile, and no more than this lies before it: the
 * end waits for little, and long lists leave memory and disk to others. */
#define SEND_BYTES (UINT64_C(1) << 20)
#define AHEAD_BYTES (UINT64_C(16) << 20)

/* How long the header will be, unless the signature is shorter just where that counts. */
static size_t
room_for(const struct request *r)
{
	static const uint8_t zero[LIMIT_SIG_BYTES];
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };

	crl_outer(r->crl->tbs_bytes, r->alg,
	    bytes_of(zero, key_signature_max(r->key->spki.type)), &head, &tail);
	return head.n;
}

static bool
begin(struct request *r, struct error *e)
{
	const struct sig_alg_info *info = sig_alg_info(r->alg);
	struct crl_work *w = r->crl;

	w->room = room_for(r);
	w->sent = 0;
	if (!info->prehash || info->digest != DIGEST_SHA256)
		w->sha256 = digest_new(DIGEST_SHA256);
	return lseek(w->fd, (off_t)w->room, SEEK_SET) >= 0 ||
	    error_errno(e, FAIL_IO, "%s", w->dir);
}

/* A piece is smaller than what is sent at once. */
static void
send_ahead(const struct signer *s, struct crl_work *w, size_t n)
{
	uint64_t end;

	w->sent += n;
	if (w->sent % SEND_BYTES >= n)
		return;
	end = w->sent - w->sent % SEND_BYTES;
	(void)sync_file_range(w->fd, (off_t)(end - SEND_BYTES), SEND_BYTES,
	    SYNC_FILE_RANGE_WRITE);
	if (end > AHEAD_BYTES)
		(void)sync_file_range(w->fd,
		    (off_t)(end - AHEAD_BYTES - SEND_BYTES), SEND_BYTES,
		    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
			SYNC_FILE_RANGE_WAIT_AFTER);
	if (s->cfg.busy != NULL)
		s->cfg.busy(s->cfg.busy_arg);
}

static bool
put(struct request *r, struct bytes piece, struct error *e)
{
	struct crl_work *w = r->crl;

	if (w->room == 0 && !begin(r, e))
		return false;
	if (w->sha256 != NULL)
		digest_add(w->sha256, piece);
	if (!fd_write_all(w->fd, piece, e))
		return false;
	send_ahead(w->signer, w, piece.n);
	return true;
}

static bool
sink(void *arg, struct bytes piece, struct error *e)
{
	struct request *r = arg;

	r->crl->tbs_bytes = crl_text_written(r->crl->writer)->tbs_bytes;
	return put(r, piece, e);
}

static bool
make_dirs(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	const char *slash;

	if (w->named) {
		slash = strrchr(w->path, '/');
		w->dir = slash == NULL
		    ? mem_strdup(".")
		    : mem_printf("%.*s", (int)(slash - w->path + 1), w->path);
		return true;
	}
	mem_free(w->dir);
	w->dir =
	    crl_list_dir_make(s->cfg.crl_dir, &r->key->id, w->scope_text, e);
	if (w->dir == NULL)
		return false;
	mem_free(w->path);
	w->path =
	    mem_printf("%s/%llu.crl", w->dir, (unsigned long long)w->number);
	return true;
}

static bool
make_file(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;

	w->signer = s;
	if (!make_dirs(s, r, e))
		return false;
	w->fd = open(w->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	return w->fd >= 0 || error_errno(e, FAIL_IO, "%s", w->dir);
}

/* Ed25519 signs the message: the file is mapped, not read. */
static bool
map_message(struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;

	if (sig_alg_info(r->alg)->prehash)
		return true;
	w->map_n = w->room + w->tbs_bytes;
	w->map = mmap(NULL, w->map_n, PROT_READ, MAP_PRIVATE, w->fd, 0);
	if (w->map == MAP_FAILED) {
		w->map = NULL;
		return error_errno(e, FAIL_IO, "mmap");
	}
	r->one.to_sign = bytes_of((uint8_t *)w->map + w->room, w->tbs_bytes);
	return true;
}

/* As it came. */
bool
crl_file_caller(struct signer *s, struct request *r, struct error *e)
{
	r->crl->tbs_bytes = r->data.n;
	request_prepare(r, buf_bytes(&r->data));
	return make_file(s, r, e) && put(r, buf_bytes(&r->data), e);
}

/* The list before this one, as it is now. */
static bool
after_last(struct signer *s, struct crl_work *w, struct error *e)
{
	const struct state_crl *last = reg_state_crl(w->text.state,
	    &w->text.key, w->scope.kind == CRL_KIT ? "full" : w->scope_text);

	if (last != NULL)
		w->last = *last;
	return crl_text_after(&w->text, last != NULL ? &w->last : NULL, s->reg,
	    e);
}

bool
crl_file_begin(struct signer *s, struct request *r, struct error *e)
{
	struct crl_work *w = r->crl;
	struct crl_text *t = &w->text;

	*t = (struct crl_text){ .state = reg_get_state(s->reg),
		.key = r->key->id,
		.position = w->position,
		.since = w->since,
		.scope = w->scope,
		.p = { .issuer = buf_bytes(&w->issuer),
		    .alg = r->alg,
		    .this_update_s = w->this_s,
		    .next_update_s = w->next_s,
		    .number = w->number,
		    .idp_url = w->idp_url,
		    .delta_base = w->scope.kind == CRL_DELTA
			? (int64_t)w->base_number
			: -1 } };
	memcpy(t->p.aki, w->aki, sizeof(t->p.aki));
	if (!after_last(s, w, e) || !crl_kit_entries(s->reg, t, e) ||
	    !make_file(s, r, e))
		return false;
	w->writer = crl_text_writer_new(t, sink, r, e);
	return w->writer != NULL;
}

/* What still lies before the disk: a piece at a time, too, so that the last fdatasync has
 * little to wait for. */
static bool
settle(struct crl_work *w)
{
	const uint64_t from = w->sent > AHEAD_BYTES ? w->sent - AHEAD_BYTES : 0;

	w->settled = w->settled > from ? w->settled : from;
	if (w->settled >= w->sent || w->sent < SEND_BYTES)
		return true;
	(void)sync_file_range(w->fd, (off_t)w->settled, SEND_BYTES,
	    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		SYNC_FILE_RANGE_WAIT_AFTER);
	w->settled += SEND_BYTES;
	return w->settled >= w->sent;
}

bool
crl_file_go_on(struct request *r, uint64_t *left, bool *done, struct error *e)
{
	struct crl_work *w = r->crl;
	const struct crl_written *got = crl_text_written(w->writer);

	*done = false;
	if (!w->written && !crl_text_go_on(w->writer, left, &w->written, e))
		return false;
	if (!w->written || !settle(w))
		return true;
	*done = true;
	w->entries = got->entries;
	memcpy(r->one.digest, got->digest, got->digest_n);
	r->one.to_sign = bytes_of(r->one.digest, got->digest_n);
	return map_message(r, e);
}

void
crl_file_hash(struct request *r, struct sha256 *out)
{
	if (r->crl->sha256 != NULL)
		(void)digest_finish(take(r->crl->sha256), out->b);
	else
		memcpy(out->b, r->one.digest, SHA256_LEN);
}

/* ---- putting it together ----------------------------------------------- */

/* The room is not what the header needs: a file of its own. */
static bool
move_tbs(struct crl_work *w, size_t room, struct error *e)
{
	static uint8_t piece[65536];
	int to = open(w->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	uint64_t at;
	ssize_t n = 1;

	if (to < 0 || lseek(to, (off_t)room, SEEK_SET) < 0)
		n = -1;
	for (at = 0; n > 0 && at < w->tbs_bytes; at += (uint64_t)n) {
		n = pread(w->fd, piece, sizeof(piece), (off_t)(w->room + at));
		if (n > 0 && !fd_write_all(to, bytes_of(piece, (size_t)n), e)) {
			(void)close(to);
			return false;
		}
	}
	if (to >= 0) {
		(void)close(w->fd);
		w->fd = to;
	}
	w->room = room;
	return n > 0 || error_errno(e, FAIL_IO, "%s: the list again", w->dir);
}

static bool
write_head(const struct crl_work *w, const struct buf *head, struct error *e)
{
	return lseek(w->fd, 0, SEEK_SET) == 0
	    ? fd_write_all(w->fd, buf_bytes(head), e)
	    : error_errno(e, FAIL_IO, "%s", w->dir);
}

bool
crl_file_complete(unused_arg struct signer *s, struct request *r,
    struct error *e)
{
	struct crl_work *w = r->crl;
	auto_buf struct buf head = { 0 };
	auto_buf struct buf tail = { 0 };

	crl_outer(w->tbs_bytes, r->alg, buf_bytes(&r->one.sig), &head, &tail);
	w->bytes = head.n + w->tbs_bytes + tail.n;
	if (head.n != w->room && !move_tbs(w, head.n, e))
		return false;
	/* The file stands behind the TBSCertList. */
	if (!fd_write_all(w->fd, buf_bytes(&tail), e) ||
	    !write_head(w, &head, e))
		return false;
	if (fdatasync(w->fd) != 0)
		return error_errno(e, FAIL_IO, "%s: fdatasync", w->path);
	return true;
}

static int
newest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

size_t
crl_file_numbers(const char *dir, uint64_t **out)
{
	auto_dir DIR *d = opendir(dir);
	const struct dirent *one;
	size_t n = 0, cap = 0, len;
	char name[32];

	*out = NULL;
	while (d != NULL && (one = readdir(d)) != NULL) {
		len = strlen(one->d_name);
		if (len < 5 || len >= sizeof(name) ||
		    strcmp(one->d_name + len - 4, ".crl") != 0)
			continue;
		memcpy(name, one->d_name, len - 4);
		name[len - 4] = '\0';
		*out = mem_grow(*out, n, &cap, sizeof(**out));
		if (parse_u64(name, 0, UINT64_MAX, &(*out)[n]))
			n++;
	}
	if (n > 1)
		qsort(*out, n, sizeof(**out), newest_first);
	return n;
}

/* A daemon's folder holds the last lists only: an older one is in nobody's use, and can be
 * made again, byte for byte, from its INTENT. A large one a minute would fill the disk. */
static void
drop_old(const struct signer *s, const struct crl_work *w)
{
	auto_mem uint64_t *number = NULL;
	size_t n;

	if (w->named || s->cfg.reg.offline)
		return;
	n = crl_file_numbers(w->dir, &number);
	for (size_t i = CRL_KEPT; i < n; i++) {
		auto_mem char *path = mem_printf("%s/%llu.crl", w->dir,
		    (unsigned long long)number[i]);

		(void)unlink(path);
	}
}

bool
crl_file_release(struct signer *s, struct request *r, struct error *e)
{
	const struct crl_work *w = r->crl;
	char fd[40];

	/* The way to name such a file without a capability (open(2)). */
	(void)snprintf(fd, sizeof(fd), "/proc/self/fd/%d", w->fd);
	if (linkat(AT_FDCWD, fd, AT_FDCWD, w->path, AT_SYMLINK_FOLLOW) != 0)
		return error_errno(e, errno == EEXIST ? FAIL_EXISTS : FAIL_IO,
		    "%s", w->path);
	drop_old(s, w);
	return dir_sync(w->dir, e);
}
