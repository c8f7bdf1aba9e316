/* SPDX-License-Identifier: Apache-2.0 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "register_util.h"
#include "store_util.h"

int
store_setup(void **state)
{
	struct store_fixture *f = mem_calloc(1, sizeof(*f));
	struct store_config cfg = { .path = f->path, .create = true };
	struct error e;

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/chancery-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/store.sqlite", f->dir);
	f->s = store_open(&cfg, &e);
	if (f->s == NULL)
		fail_msg("%s", e.msg);
	*state = f;
	return 0;
}

int
store_teardown(void **state)
{
	struct store_fixture *f = *state;

	store_free(f->s);
	remove_tree(f->dir);
	mem_free(f);
	return 0;
}

void
store_reopen(struct store_fixture *f)
{
	struct store_config cfg = { .path = f->path };
	struct error err;

	ok(store_close(take(f->s), &e));
	f->s = store_open(&cfg, &err);
	if (f->s == NULL)
		fail_msg("%s", err.msg);
}

/* Serials as random ones are: neighbours in time are none in order. */
struct store_cert
sample_cert(const char *mount, uint32_t n, struct buf *der)
{
	struct sha256 h = sha256(bytes_of(&n, sizeof(n)));
	struct store_cert c = { .mount = mount,
		.not_before_s = 1790000000 + n,
		.not_after_s = 1790000000 + 1000 * (int64_t)n,
		.origin = ORIGIN,
		.index = 2 * (uint64_t)n + 1,
		.ca = n % 100 == 99 };

	memset(&c.issuer_key, 0x11, sizeof(c.issuer_key));
	memcpy(c.serial, h.b, LIMIT_SERIAL_BYTES);
	c.serial[0] &= 0x7f;
	buf_reset(der);
	for (int i = 0; i < 20; i++)
		buf_add_bytes(der, sha256_bytes(&h));
	c.der = buf_bytes(der);
	return c;
}

void
put_sample(struct store *s, const char *mount, uint32_t n)
{
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert(mount, n, &der);

	ok(store_cert_put(s, &c, &e));
}

void
revoke_sample(struct store *s, uint32_t n, int64_t when)
{
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert("", n, &der);

	ok(store_cert_revoke(s, &c.issuer_key, c.serial, when, 4,
	    1000000 + (uint64_t)n, &e));
}

bool
has_sample(struct store *s, const char *mount, uint32_t n,
    struct store_cert *out, struct buf *mem)
{
	auto_buf struct buf der = { 0 };
	struct store_cert c = sample_cert(mount, n, &der);
	struct error e;

	if (!store_cert_get(s, mount, c.serial, out, mem, &e)) {
		assert_int_equal(e.why, FAIL_NOT_FOUND);
		return false;
	}
	assert_true(bytes_eq(out->der, c.der));
	assert_int_equal(out->not_after_s, c.not_after_s);
	assert_int_equal(out->not_before_s, c.not_before_s);
	assert_int_equal(out->index, c.index);
	assert_int_equal(out->ca, c.ca);
	assert_string_equal(out->origin, ORIGIN);
	assert_memory_equal(out->serial, c.serial, sizeof(c.serial));
	assert_memory_equal(&out->issuer_key, &c.issuer_key, SHA256_LEN);
	return true;
}

struct sha256
store_sum(struct store *s)
{
	struct sha256 h = { 0 };

	ok(store_digest(s, &h, &e));
	return h;
}

void
apply_docs(struct store *s, uint64_t index, const char *json)
{
	ok(store_docs_apply(s, bytes_str(json), ORIGIN, index, &e));
}

struct written {
	sem_t done;
	enum fail why;
};

static void
written(void *arg, bool done, const struct error *e)
{
	struct written *w = arg;

	w->why = done ? FAIL_NONE : e->why;
	assert_int_equal(sem_post(&w->done), 0);
}

enum fail
store_write(struct store *s, const struct store_secret_change *c, size_t n)
{
	struct written w;

	assert_int_equal(sem_init(&w.done, 0, 0), 0);
	store_secrets_write(s, c, n, written, &w);
	while (sem_wait(&w.done) != 0)
		;
	(void)sem_destroy(&w.done);
	return w.why;
}
