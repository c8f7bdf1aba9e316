/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Works on a store as the server does, and checks it after whatever happened:
 *
 *   store_worker make DIR    DIR/register, DIR/digest of the store that it makes,
 *                            DIR/live with an empty store
 *   store_worker run DIR     catches DIR/live/store.sqlite up in steps, writes secrets
 *                            meanwhile, and notes what was promised in DIR/live/acks
 *   store_worker check DIR [power]
 *                            opens it, holds it against the promises, catches it up
 *                            and compares. After a power cut rows may be behind
 *
 * Exit: 0 good, 2 a call failed (as a failing disk makes it), 1 a promise was broken.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chancery/base/cleanup.h>
#include <chancery/base/file.h>
#include <chancery/base/text.h>
#include <chancery/server/catchup.h>

#include "../bench/register_certs.h"

#define CERTS 1500
#define DOC_EVERY 100
#define STEP 97 /* records of one catch-up: ends between INTENT and SIGNED */
#define BROKEN 1
#define FAILED 2

struct work {
	const char *dir;
	char *reg, *store;
	int acks;
	struct store *s;
	atomic_bool stop, failed;
};

static void
open_paths(struct work *w, const char *dir)
{
	*w = (struct work){ .dir = dir,
		.reg = mem_printf("%s/register", dir),
		.store = mem_printf("%s/live/store.sqlite", dir),
		.acks = -1 };
}

/* ---- make -------------------------------------------------------------- */

static void
make_store(const char *path, const char *reg, struct sha256 *digest)
{
	struct store_config cfg = { .path = path, .create = true };
	struct error e;
	struct store *s = store_open(&cfg, &e);

	certs_must(s != NULL, &e);
	if (reg != NULL)
		certs_must(catchup_run(s, reg, NULL, NULL, &e) &&
			store_digest(s, digest, &e),
		    &e);
	certs_must(store_close(s, &e), &e);
}

static int
make(struct work *w)
{
	auto_mem char *live = mem_printf("%s/live", w->dir);
	auto_mem char *whole = mem_printf("%s/whole.sqlite", w->dir);
	auto_mem char *file = mem_printf("%s/digest", w->dir);
	struct sha256 digest;
	struct error e;

	certs_register(w->reg, CERTS, DOC_EVERY);
	certs_must(dir_create(live, 0700, &e), &e);
	make_store(whole, w->reg, &digest);
	certs_must(file_create(file, sha256_bytes(&digest), 0600, &e), &e);
	make_store(w->store, NULL, NULL);
	return 0;
}

/* ---- run --------------------------------------------------------------- */

/* Synced: what is promised to somebody outside is known outside. */
static void
promise(struct work *w, char what, uint64_t n)
{
	auto_mem char *line =
	    mem_printf("%c %llu\n", what, (unsigned long long)n);

	if (write(w->acks, line, strlen(line)) != (ssize_t)strlen(line) ||
	    fdatasync(w->acks) != 0)
		atomic_store(&w->failed, true);
}

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool there, ok;
};

static void
answered(void *arg, bool ok, unused_arg const struct error *e)
{
	struct answer *a = arg;

	(void)pthread_mutex_lock(&a->lock);
	a->ok = ok;
	a->there = true;
	(void)pthread_cond_signal(&a->cond);
	(void)pthread_mutex_unlock(&a->lock);
}

static struct sha256
secret_key(uint64_t n)
{
	return sha256(bytes_of(&n, sizeof(n)));
}

static bool
write_secret(struct work *w, uint64_t n)
{
	struct answer a = { .lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER };
	struct store_secret_change c = { .op = STORE_SECRET_PUT,
		.row = { .kind = "token",
		    .key = secret_key(n),
		    .scope = "",
		    .value = bytes_str("{}") } };

	store_secrets_write(w->s, &c, 1, answered, &a);
	(void)pthread_mutex_lock(&a.lock);
	while (!a.there)
		(void)pthread_cond_wait(&a.cond, &a.lock);
	(void)pthread_mutex_unlock(&a.lock);
	return a.ok;
}

static void *
keep_secrets(void *arg)
{
	struct work *w = arg;

	for (uint64_t n = 0; !atomic_load(&w->stop); n++) {
		if (!write_secret(w, n)) {
			atomic_store(&w->failed, true);
			return NULL;
		}
		promise(w, 'T', n);
		(void)usleep(500);
	}
	return NULL;
}

static bool
catch_up_in_steps(struct work *w, struct error *e)
{
	struct catchup_options opt = { 0 };
	struct catchup_report r;

	do {
		opt.until = opt.until + STEP;
		if (!catchup_run(w->s, w->reg, &opt, &r, e))
			return false;
		promise(w, 'P', r.next);
		/* The server's writer has pauses too: the log is written in pieces. */
		(void)usleep(1000);
	} while (r.next == opt.until);
	return true;
}

static int
run(struct work *w)
{
	auto_mem char *acks = mem_printf("%s/live/acks", w->dir);
	struct store_config cfg = { .path = w->store, .batch_ms = 1 };
	pthread_t thread;
	struct error e = { 0 };
	bool ok;

	w->acks = open(acks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	w->s = store_open(&cfg, &e);
	if (w->acks < 0 || w->s == NULL) {
		(void)fprintf(stderr, "open: %s\n", e.msg);
		return FAILED;
	}
	(void)pthread_create(&thread, NULL, keep_secrets, w);
	ok = catch_up_in_steps(w, &e);
	atomic_store(&w->stop, true);
	(void)pthread_join(thread, NULL);
	if (ok)
		ok = store_close(w->s, &e);
	else
		store_free(w->s);
	if (!ok)
		(void)fprintf(stderr, "run: %s\n", e.msg);
	return ok && !atomic_load(&w->failed) ? 0 : FAILED;
}

/* ---- check ------------------------------------------------------------- */

static bool
broken(const char *what, uint64_t n)
{
	(void)fprintf(stderr, "broken: %s %llu\n", what, (unsigned long long)n);
	return false;
}

static bool
holds_secret(struct work *w, uint64_t n)
{
	auto_buf struct buf mem = { 0 };
	struct sha256 key = secret_key(n);
	struct store_secret r;
	struct error e;

	return store_secret_get(w->s, "token", &key, 1, &r, &mem, &e) ||
	    broken(e.msg, n);
}

/* Changes of documents below it were synced before the step ended. */
static bool
holds_docs(struct work *w, uint64_t next)
{
	auto_buf struct buf value = { 0 };
	uint64_t version;
	struct error e;

	/* The last change of role-0 in a prefix cannot be told from outside; that a
	 * document is there at all, once one certificate in 100 is, can. */
	if (next < 4 * DOC_EVERY)
		return true;
	return store_doc_get(w->s, "pki-role", "pki", "role-0", &value,
		   &version, &e) ||
	    broken(e.msg, next);
}

static bool
holds_rows(struct work *w, uint64_t next, bool power)
{
	uint64_t at = 0;
	struct error e;

	if (power)
		return true;
	/* An INTENT may be open there: a round of the signer is 64 records. */
	return (store_position(w->s, CERTS_ORIGIN, &at, &e) &&
		   at + 2 * STEP >= next) ||
	    broken("position", at);
}

static bool
holds_promises(struct work *w, bool power)
{
	auto_mem char *acks = mem_printf("%s/live/acks", w->dir);
	FILE *f = fopen(acks, "r");
	char line[64], what;
	unsigned long long n;
	bool ok = true;
	char *end;

	if (f == NULL)
		return errno == ENOENT;
	while (ok && fgets(line, sizeof(line), f) != NULL) {
		/* A line that was cut was promised to nobody. */
		if (strchr(line, '\n') == NULL || line[1] != ' ')
			break;
		what = line[0];
		n = strtoull(line + 2, &end, 10);
		ok = what == 'T' ? holds_secret(w, n)
				 : holds_docs(w, n) && holds_rows(w, n, power);
	}
	(void)fclose(f);
	return ok;
}

static bool
same_as_made(struct work *w, struct error *e)
{
	auto_mem char *file = mem_printf("%s/digest", w->dir);
	auto_buf struct buf want = { 0 };
	struct store_report r;
	struct sha256 digest;

	if (!file_read(file, SHA256_LEN, &want, e) ||
	    !catchup_run(w->s, w->reg, NULL, NULL, e) ||
	    !store_check(w->s, &r, e) || !store_digest(w->s, &digest, e))
		return false;
	return bytes_eq(buf_bytes(&want), sha256_bytes(&digest)) ||
	    error_set(e, FAIL_CORRUPT, "it is not what the register makes");
}

static int
check(struct work *w, bool power)
{
	struct store_config cfg = { .path = w->store };
	struct error e = { 0 };

	w->s = store_open(&cfg, &e);
	if (w->s == NULL || !holds_promises(w, power) || !same_as_made(w, &e) ||
	    !store_close(take(w->s), &e)) {
		(void)fprintf(stderr, "check: %s\n", e.msg);
		return BROKEN;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct work w;

	if (argc < 3)
		return 64;
	open_paths(&w, argv[2]);
	if (strcmp(argv[1], "make") == 0)
		return make(&w);
	if (strcmp(argv[1], "run") == 0)
		return run(&w);
	return check(&w, argc > 3);
}
