/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Failing disks and killed processes. The linker puts the functions below between
 * the register and libc (--wrap).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chancery/base/limits.h>

#include "register_util.h"

enum call {
	CALL_WRITE,
	CALL_SHORT_WRITE, /* half of it, then no space */
	CALL_FDATASYNC,
	CALL_FSYNC,
	CALL_RENAME,
	CALL_FALLOCATE,
	CALL__COUNT
};

static struct {
	enum call call;
	unsigned nth; /* 0: never; counts down          */
	int error;
	bool stays; /* every later one fails too      */
	unsigned made[CALL__COUNT];
	uint64_t disk_free; /* 0: ask the system              */
} fault;

static bool
fails(enum call call)
{
	fault.made[call]++;
	if (fault.call != call || fault.nth == 0)
		return false;
	if (fault.nth > 1) {
		fault.nth--;
		return false;
	}
	if (!fault.stays)
		fault.nth = 0;
	errno = fault.error;
	return true;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (fails(CALL_WRITE))
		return -1;
	if (n > 1 && fails(CALL_SHORT_WRITE)) {
		fault.call = CALL_WRITE;
		fault.nth = 1;
		return __real_write(fd, p, n / 2);
	}
	return __real_write(fd, p, n);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int
__wrap_fdatasync(int fd)
{
	return fails(CALL_FDATASYNC) ? -1 : __real_fdatasync(fd);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int
__wrap_fsync(int fd)
{
	return fails(CALL_FSYNC) ? -1 : __real_fsync(fd);
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int
__wrap_rename(const char *from, const char *to)
{
	return fails(CALL_RENAME) ? -1 : __real_rename(from, to);
}

int __real_fallocate(int fd, int mode, off_t from, off_t n);
int __wrap_fallocate(int fd, int mode, off_t from, off_t n);
int
__wrap_fallocate(int fd, int mode, off_t from, off_t n)
{
	return fails(CALL_FALLOCATE) ? -1 : __real_fallocate(fd, mode, from, n);
}

int __real_fstatvfs(int fd, struct statvfs *v);
int __wrap_fstatvfs(int fd, struct statvfs *v);
int
__wrap_fstatvfs(int fd, struct statvfs *v)
{
	if (fault.disk_free == 0)
		return __real_fstatvfs(fd, v);
	memset(v, 0, sizeof(*v));
	v->f_frsize = 1;
	v->f_bavail = fault.disk_free;
	return 0;
}

static void
arm(enum call call, unsigned nth, int error)
{
	memset(&fault, 0, sizeof(fault));
	fault.call = call;
	fault.nth = nth;
	fault.error = error;
}

static void
disarm(void)
{
	fault.nth = 0;
	fault.disk_free = 0;
}

/* ---- one failure anywhere --------------------------------------------- */

static bool
try_put(struct reg *r, struct record *rec, uint64_t *n)
{
	struct error e;

	return reg_append(r, rec, (struct bytes){ 0 }, n, &e);
}

static bool
one_round(struct reg *r, const struct sha256 *key, unsigned i)
{
	uint8_t tbs[300], serial[20] = { 7 };
	struct sha256 hash;
	struct record rec;
	struct error e;
	uint64_t n, m;

	random_bytes(tbs, sizeof(tbs));
	tbs[0] = 1;
	make_intent(&rec, key, bytes_of(tbs, sizeof(tbs)), &hash);
	if (!try_put(r, &rec, &n) || !reg_commit(r, &e))
		return false;
	make_signed(&rec, n);
	if (!try_put(r, &rec, &m))
		return false;
	serial[19] = (uint8_t)i;
	serial[18] = (uint8_t)(i >> 8);
	make_revoke(&rec, key, serial);
	if (i % 3 == 0 && !try_put(r, &rec, &m))
		return false;
	record_init(&rec, REC_EVENT);
	record_text(&rec, "what", "round");
	return reg_append(r, &rec, bytes_str("{\"i\":1}"), &m, &e) &&
	    reg_commit(r, &e) && (i % 8 != 7 || reg_checkpoint(r, &e));
}

/* What a writer does from birth on; ends at the first failure. *durable is what it
 * was told is safe. */
static bool
life(struct fixture *f, uint64_t *durable)
{
	struct sha256 key;
	struct record rec;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);
	uint8_t spki[91] = { 1 };
	uint64_t n;
	bool ok;

	*durable = 0;
	if (r == NULL)
		return false;
	make_keygen_intent(&rec, "one");
	ok = try_put(r, &rec, &n);
	make_keygen_done(&rec, n, bytes_of(spki, sizeof(spki)), &key);
	ok = ok && try_put(r, &rec, &n);
	make_charter(&rec, &key);
	ok = ok && try_put(r, &rec, &n) && reg_commit(r, &e);
	for (unsigned i = 0; ok && i < 16; i++)
		ok = one_round(r, &key, i);
	*durable = reg_durable_size(r);
	reg_close(r);
	return ok;
}

static void
must_be_sound(struct fixture *f, uint64_t durable)
{
	struct reg_verify_report v;
	struct error e;
	struct reg *r = reg_open(&f->cfg, &e);

	/* Not even born: then it is born now. */
	if (r == NULL && durable == 0 && e.why == FAIL_NOT_FOUND)
		r = reg_create(&f->cfg, &e);
	if (r == NULL)
		fail_msg("%s", e.msg);
	assert_true(reg_size(r) > durable);
	reg_close(r);
	if (!reg_verify(f->reg_dir, NULL, &v, &e))
		fail_msg("%s", e.msg);
	assert_true(v.records > durable);
}

static void
test_every_call_fails_once(void **state)
{
	static const struct {
		enum call call;
		int error;
	} rows[] = {
		{ CALL_WRITE, EIO },
		{ CALL_WRITE, ENOSPC },
		{ CALL_SHORT_WRITE, ENOSPC },
		{ CALL_FDATASYNC, EIO },
		{ CALL_FSYNC, EIO },
		{ CALL_RENAME, EIO },
		{ CALL_FALLOCATE, ENOSPC },
		{ CALL_FALLOCATE, EOPNOTSUPP },
	};
	struct fixture *f = *state;
	uint64_t durable;
	unsigned hit;
	bool done;

	f->cfg.segment_bytes = 6000;
	for (size_t i = 0; i < countof(rows); i++)
		for (hit = 1, done = false; !done; hit++) {
			arm(rows[i].call, hit, rows[i].error);
			(void)life(f, &durable);
			done = fault.nth > 0; /* that many there are not */
			disarm();
			must_be_sound(f, durable);
			remove_tree(f->reg_dir);
			/* The faults do come through. */
			assert_true(!done || hit > 5);
		}
}

/* After a failed fsync nothing is written or synced again. */
static void
test_dead_for_good(void **state)
{
	struct fixture *f = *state;
	struct reg_verify_report v;
	struct sha256 key;
	struct record rec;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);
	uint64_t n, size;

	key = put_key(r, "one");
	commit(r);
	size = reg_durable_size(r);
	n = put_intent(r, &key);
	arm(CALL_FDATASYNC, 1, EIO);
	assert_false(reg_commit(r, &e));
	assert_int_equal(e.why, FAIL_IO);
	assert_true(reg_is_dead(r));
	assert_int_equal(reg_durable_size(r), size);
	fault.made[CALL_WRITE] = fault.made[CALL_FDATASYNC] = 0;
	assert_false(reg_commit(r, &e));
	assert_int_equal(e.why, FAIL_IO);
	assert_non_null(strstr(e.msg, "stopped"));
	make_signed(&rec, n);
	assert_false(try_put(r, &rec, &n));
	assert_false(reg_checkpoint(r, &e));
	reg_close(r);
	assert_int_equal(fault.made[CALL_WRITE], 0);
	assert_int_equal(fault.made[CALL_FDATASYNC], 0);
	disarm();
	assert_true(reg_verify(f->reg_dir, NULL, &v, &e));
	must_be_sound(f, size);
}

/* ---- space ------------------------------------------------------------ */

static void
refused_for_space(struct reg *r, struct record *rec)
{
	struct error e;
	uint64_t n;

	assert_false(reg_append(r, rec, (struct bytes){ 0 }, &n, &e));
	assert_int_equal(e.why, FAIL_DISK_FULL);
}

/* INTENTs stop when the disk is full; what is open can always be settled. */
static void
test_outcomes_fit(void **state)
{
	struct fixture *f = *state;
	uint8_t tbs[300] = { 1 }, serial[20] = { 1 };
	struct sha256 key, hash;
	struct record rec;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);
	uint64_t n[200], opened = 0;

	key = put_key(r, "one");
	commit(r);
	arm(CALL_FALLOCATE, 1, ENOSPC);
	fault.stays = true;
	fault.disk_free = UINT64_C(1) << 40;
	for (; opened < countof(n); opened++) {
		random_bytes(tbs + 1, sizeof(tbs) - 1);
		make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
		if (!reg_append(r, &rec, (struct bytes){ 0 }, &n[opened], &e))
			break;
	}
	assert_true(opened > 10 && opened < countof(n) + 1);
	if (opened < countof(n))
		assert_int_equal(e.why, FAIL_DISK_FULL);
	/* Use up what was reserved, until even a revocation is refused. */
	for (unsigned i = 0; i < 4000; i++) {
		serial[18] = (uint8_t)(i >> 8);
		serial[19] = (uint8_t)i;
		make_revoke(&rec, &key, serial);
		if (!reg_append(r, &rec, (struct bytes){ 0 }, &n[199], &e))
			break;
	}
	assert_int_equal(e.why, FAIL_DISK_FULL);
	make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
	refused_for_space(r, &rec);
	commit(r);
	while (opened-- > 0)
		if (opened != 199)
			(void)put_signed(r, n[opened]);
	commit(r);
	disarm();
	reg_close(r);
}

/* The SIGNED of 256 answers is as long as a record may be: space for that is kept. */
static void
test_outcome_of_many_signatures_fits(void **state)
{
	struct fixture *f = *state;
	uint8_t tbs[300] = { 1 };
	struct sha256 key, hash;
	struct record rec;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);
	uint64_t n;
	unsigned opened;

	key = put_key(r, "one");
	commit(r);
	arm(CALL_FALLOCATE, 1, ENOSPC);
	fault.stays = true;
	fault.disk_free = UINT64_C(1) << 40;
	for (opened = 0; opened < 100; opened++) {
		random_bytes(tbs + 1, sizeof(tbs) - 1);
		make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
		record_text(&rec, "kind", "ocsp");
		record_bytes(&rec, "serial", (struct bytes){ 0 });
		record_int(&rec, "entries", 256);
		if (!reg_append(r, &rec, (struct bytes){ 0 }, &n, &e))
			break;
	}
	assert_int_equal(e.why, FAIL_DISK_FULL);
	assert_true(opened > 0);
	assert_true(opened * LIMIT_RECORD_BYTES <= 2 * LIMIT_RESERVE_STEP);
	disarm();
	reg_close(r);
}

static void
test_space_without_fallocate(void **state)
{
	struct fixture *f = *state;
	uint8_t tbs[300] = { 1 };
	struct sha256 key, hash;
	struct record rec;
	struct error e;
	struct reg *r;
	uint64_t n;

	arm(CALL_FALLOCATE, 1, EOPNOTSUPP);
	fault.stays = true;
	fault.disk_free = 1 << 20;
	r = reg_create(&f->cfg, &e);
	key = put_key(r, "one");
	n = put_intent(r, &key);
	fault.disk_free = 40000;
	make_intent(&rec, &key, bytes_of(tbs, sizeof(tbs)), &hash);
	refused_for_space(r, &rec);
	(void)put_signed(r, n);
	commit(r);
	disarm();
	reg_close(r);
}

/* Events leave the last space to signing. */
static void
test_event_floor(void **state)
{
	struct fixture *f = *state;
	struct sha256 key;
	struct record rec;
	struct error e;
	struct reg *r = reg_create(&f->cfg, &e);

	key = put_key(r, "one");
	commit(r);
	arm(CALL_WRITE, 0, 0);
	fault.disk_free = 1 << 20;
	record_init(&rec, REC_CONFIG);
	record_text(&rec, "what", "x");
	refused_for_space(r, &rec);
	(void)put_intent(r, &key);
	commit(r);
	fault.disk_free = UINT64_C(1) << 40;
	assert_true(try_put(r, &rec, &(uint64_t){ 0 }));
	commit(r);
	disarm();
	reg_close(r);
}

/* ---- kill -9 ---------------------------------------------------------- */

struct shared {
	volatile uint64_t durable;
};

static _Noreturn void
child(struct fixture *f, struct shared *s)
{
	const struct state_key *k;
	struct error e;
	struct reg *r = reg_open(&f->cfg, &e);

	if (r == NULL)
		_exit(1);
	k = reg_state_key_at(reg_get_state(r), 0);
	for (unsigned i = 0;; i++) {
		/* Serials of REVOKE go on where the register is. */
		if (!one_round(r, &k->key, (unsigned)reg_size(r)))
			_exit(2);
		s->durable = reg_durable_size(r);
		if (i == 10000)
			_exit(3);
	}
}

static void
kill_once(struct fixture *f, struct shared *s, unsigned seed)
{
	struct timespec pause = { .tv_nsec = (seed * 7919 % 60 + 1) * 100000L };
	struct reg_verify_report v;
	struct error e;
	struct reg *r;
	pid_t pid;
	int status;

	s->durable = 0;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(f, s);
	/* Not before it works, then at any moment. */
	while (s->durable == 0 && waitpid(pid, &status, WNOHANG) == 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
	(void)nanosleep(&pause, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	r = reg_open(&f->cfg, &e);
	if (r == NULL)
		fail_msg("%s", e.msg);
	assert_true(reg_size(r) > s->durable);
	/* What nobody knows the outcome of is there to be settled. */
	while (reg_state_open_count(reg_get_state(r)) > 0) {
		struct record rec;

		record_init(&rec, REC_ASSUMED);
		record_int(&rec, "intent",
		    (int64_t)reg_state_open_at(reg_get_state(r), 0)->n);
		record_text(&rec, "reason", "killed");
		(void)put(r, &rec);
	}
	commit(r);
	reg_close(r);
	if (seed % 10 == 9 && !reg_verify(f->reg_dir, NULL, &v, &e))
		fail_msg("%s", e.msg);
}

static void
test_killed(void **state)
{
	struct fixture *f = *state;
	struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct error e;
	struct reg *r;

	assert_ptr_not_equal(s, MAP_FAILED);
	disarm();
	f->cfg.segment_bytes = 20000;
	r = reg_create(&f->cfg, &e);
	(void)put_key(r, "one");
	commit(r);
	reg_close(r);
	for (unsigned i = 0; i < 100; i++)
		kill_once(f, s, i);
	(void)munmap(s, sizeof(*s));
}

static int
setup(void **state)
{
	struct fixture *f = mem_calloc(1, sizeof(*f));

	fixture_open(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	disarm();
	fixture_close(*state);
	mem_free(*state);
	return 0;
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_every_call_fails_once),
		T(test_dead_for_good),
		T(test_outcomes_fit),
		T(test_outcome_of_many_signatures_fits),
		T(test_space_without_fallocate),
		T(test_event_floor),
		T(test_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
