/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

/* How often and how long to wait while SoftHSM rewrites its token file. */
#define LOGIN_RACE_TRIES 8
#define LOGIN_RACE_PAUSE_MS 10

/* ---- finding ----------------------------------------------------------- */

struct token_search {
	const P11KitUri *uri; /* by URI, or…                     */
	const struct hsm_token_info *same; /* …the very token seen before     */
	unsigned found;
	CK_SLOT_ID slot;
	CK_TOKEN_INFO info;
	struct buf present; /* names of all, for the error                    */
};

static bool
token_matches(const struct token_search *q, const CK_TOKEN_INFO *raw)
{
	struct hsm_token_info i = { 0 };

	if (q->uri != NULL)
		return p11_kit_uri_match_token_info(q->uri, raw) != 0;
	token_info_from(raw, &i);
	return strcmp(i.label, q->same->label) == 0 &&
	    strcmp(i.serial, q->same->serial) == 0;
}

static void
note_present(struct buf *b, const CK_TOKEN_INFO *raw)
{
	struct hsm_token_info i = { 0 };

	token_info_from(raw, &i);
	if (!i.initialised)
		return;
	buf_addf(b, "%s'%s' (serial %s)", b->n > 0 ? ", " : "", i.label,
	    i.serial);
}

static bool
token_search(struct hsm_module *m, struct token_search *q, struct error *e)
{
	auto_mem CK_SLOT_ID *slots = NULL;
	CK_ULONG n;
	const char *call;
	CK_RV rv = module_slots(m, &slots, &n, &call), failed = CKR_OK;

	if (rv != CKR_OK)
		return error_ckr(e, rv, call);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info = { 0 };

		rv = m->f->C_GetTokenInfo(slots[i], &info);
		if (rv == CKR_TOKEN_NOT_PRESENT)
			continue;
		/* It may be another one's trouble: SoftHSM tells nothing more of
		 * a token whose file it could not write at login. */
		if (rv != CKR_OK) {
			failed = rv;
			continue;
		}
		note_present(&q->present, &info);
		if (!token_matches(q, &info))
			continue;
		q->found++;
		q->slot = slots[i];
		q->info = info;
	}
	return q->found > 0 || failed == CKR_OK ||
	    error_ckr(e, failed, "C_GetTokenInfo");
}

static bool
token_find(struct hsm_module *m, const char *uri, struct token_search *q,
    struct error *e)
{
	if (!token_search(m, q, e))
		return false;
	if (q->found > 1)
		return error_set(e, FAIL_EXISTS,
		    "%s names %u tokens; there are: %s", uri, q->found,
		    buf_cstr(&q->present));
	if (q->found == 0)
		return error_set(e, FAIL_NOT_FOUND,
		    "no token matches %s; there are: %s (a token directory "
		    "without permission looks empty)",
		    uri, q->present.n > 0 ? buf_cstr(&q->present) : "none");
	return true;
}

/* ---- login ------------------------------------------------------------- */

/* What the token tells of remaining tries, after a refusal. */
static const char *
tries_left(struct hsm_token *t)
{
	CK_TOKEN_INFO i = { 0 };

	if (t->m->f->C_GetTokenInfo(t->slot, &i) != CKR_OK)
		return "the token tells nothing of remaining tries";
	if ((i.flags & CKF_USER_PIN_LOCKED) != 0)
		return "the token says: locked";
	if ((i.flags & CKF_USER_PIN_FINAL_TRY) != 0)
		return "the token says: one try left";
	if ((i.flags & CKF_USER_PIN_COUNT_LOW) != 0)
		return "the token says: few tries left";
	return "the token tells nothing of remaining tries";
}

static bool
pin_refused(struct hsm_token *t, CK_RV rv, struct error *e)
{
	const char *left = tries_left(t);

	t->pin_refused = true;
	secret_free(t->pin);
	t->pin = NULL;
	(void)error_ckr(e, rv, "C_Login");
	return error_set(e, FAIL_PIN,
	    "token '%s' refused the PIN (%s); %s; "
	    "not tried again",
	    t->info.label, ckr_name(rv), left);
}

static CK_RV
login_call(struct hsm_token *t)
{
	CK_UTF8CHAR *pin = NULL;
	CK_ULONG n = 0;

	if (t->pin != NULL) {
		pin = unconst(secret_data(t->pin));
		n = secret_len(t->pin);
	}
	return t->m->f->C_Login(t->login, CKU_USER, pin, n);
}

static bool
token_login(struct hsm_token *t, struct error *e)
{
	CK_RV rv;

	if (!t->info.login_required)
		return true;
	if (t->pin_refused)
		return error_set(e, FAIL_PIN,
		    "token '%s' refused the PIN before; not tried again",
		    t->info.label);
	rv = login_call(t);
	/* SoftHSM reads a token file that another process is just writing as
	 * one without PIN; no try is counted. */
	for (int i = 0; rv == CKR_USER_PIN_NOT_INITIALIZED &&
	     t->m->quirk->file_backed && i < LOGIN_RACE_TRIES;
	     i++) {
		pause_ms(LOGIN_RACE_PAUSE_MS);
		rv = login_call(t);
	}
	if (rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN)
		return true;
	(void)error_ckr(e, rv, "C_Login");
	return e->why == FAIL_PIN ? pin_refused(t, rv, e) : false;
}

bool
token_attach(struct hsm_token *t, struct error *e)
{
	struct token_search q = { .same = &t->info };
	CK_FLAGS flags =
	    CKF_SERIAL_SESSION | (t->read_write ? CKF_RW_SESSION : 0);
	bool ok = token_search(t->m, &q, e);
	CK_RV rv;

	buf_free(&q.present);
	if (!ok)
		return false;
	if (q.found != 1)
		return error_set(e, FAIL_HSM_GONE,
		    "token '%s' (serial %s) is not there", t->info.label,
		    t->info.serial);
	t->slot = q.slot;
	rv = t->m->f->C_OpenSession(t->slot, flags, NULL, NULL, &t->login);
	if (rv != CKR_OK) {
		t->login = CK_INVALID_HANDLE;
		return error_ckr(e, rv, "C_OpenSession");
	}
	if (!token_login(t, e)) {
		token_detach(t, true);
		return false;
	}
	t->up = true;
	return true;
}

/* ---- open and close ---------------------------------------------------- */

static unsigned
session_limit(const struct hsm_token_config *cfg, const CK_TOKEN_INFO *i)
{
	unsigned limit = LIMIT_HSM_SESSIONS;
	CK_ULONG max =
	    cfg->read_write ? i->ulMaxRwSessionCount : i->ulMaxSessionCount;

	if (cfg->sessions_max != 0 && cfg->sessions_max < limit)
		limit = cfg->sessions_max;
	/* 0: without limit (CK_EFFECTIVELY_INFINITE). One holds the login. */
	if (max != CK_UNAVAILABLE_INFORMATION && max != 0 && max - 1 < limit)
		limit = (unsigned)(max - 1);
	return limit == 0 ? 1 : limit;
}

static void
token_free(struct hsm_token *t)
{
	secret_free(t->pin);
	pool_free(&t->pool);
	(void)pthread_mutex_destroy(&t->keygen);
	mem_free(t);
}
DEFINE_AUTO(half_token, struct hsm_token *, token_free)

static struct hsm_token *
token_new(struct hsm_module *m, const struct hsm_token_config *cfg,
    const struct token_search *q)
{
	struct hsm_token *t = mem_calloc(1, sizeof(*t));

	t->m = m;
	token_info_from(&q->info, &t->info);
	t->read_write = cfg->read_write;
	t->has_rng = (q->info.flags & CKF_RNG) != 0;
	t->deadline_ms = cfg->sign_deadline_ms != 0 ? cfg->sign_deadline_ms
						    : LIMIT_SIGN_DEADLINE_MS;
	t->login = CK_INVALID_HANDLE;
	if (pthread_mutex_init(&t->keygen, NULL) != 0)
		fatal("no memory for a lock");
	pool_init(&t->pool, session_limit(cfg, &q->info));
	return t;
}

static bool
token_check(const struct hsm_token *t, const struct token_search *q,
    const struct secret *pin, struct error *e)
{
	if (!t->info.initialised)
		return error_set(e, FAIL_NOT_FOUND,
		    "token '%s' is not initialised", t->info.label);
	if (t->read_write && t->info.write_protected)
		return error_set(e, FAIL_PERMISSION,
		    "token '%s' is write-protected", t->info.label);
	if (t->info.login_required && pin == NULL &&
	    (q->info.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0)
		return error_set(e, FAIL_USAGE,
		    "token '%s' needs a PIN and none was given", t->info.label);
	return true;
}

static struct hsm_token *
token_open_inside(struct hsm_module *m, const struct hsm_token_config *cfg,
    const struct token_search *q, const struct secret *pin, struct error *e)
{
	auto_cleanup(half_token_cleanup) struct hsm_token *t =
	    token_new(m, cfg, q);

	if (!token_check(t, q, pin, e))
		return NULL;
	if (pin != NULL) {
		t->pin = secret_new(LIMIT_PIN_BYTES);
		if (!secret_set(t->pin, secret_data(pin), secret_len(pin))) {
			(void)error_set(e, FAIL_BAD_INPUT,
			    "PIN is longer than %d bytes", LIMIT_PIN_BYTES);
			return NULL;
		}
	}
	if (!token_attach(t, e))
		return NULL;
	t->next = m->tokens;
	m->tokens = t;
	return take(t);
}

struct hsm_token *
hsm_token_open(struct hsm_module *m, const struct hsm_token_config *cfg,
    const struct secret *pin, struct error *e)
{
	auto_p11_uri P11KitUri *uri = uri_parse(cfg->uri, URI_TOKEN, e);
	struct token_search q = { .uri = uri };
	struct hsm_token *t = NULL;

	if (uri == NULL)
		return NULL;
	if (!gate_seize(&m->gate, deadline_after(LIMIT_SIGN_DEADLINE_MS))) {
		(void)error_set(e, FAIL_HSM_GONE, "a call hangs in the module");
		return NULL;
	}
	if (token_find(m, cfg->uri, &q, e))
		t = token_open_inside(m, cfg, &q, pin, e);
	gate_release(&m->gate);
	buf_free(&q.present);
	return t;
}

void
hsm_token_close(struct hsm_token *t)
{
	struct hsm_token **p;

	if (t == NULL)
		return;
	/* A hung call cannot be waited for: leave its memory to it. */
	if (!gate_seize(&t->m->gate, deadline_after(t->deadline_ms))) {
		t->m->hung = true;
		return;
	}
	for (p = &t->m->tokens; *p != t; p = &(*p)->next)
		;
	*p = t->next;
	token_detach(t, true);
	gate_release(&t->m->gate);
	token_free(t);
}

const struct hsm_token_info *
hsm_token_get_info(const struct hsm_token *t)
{
	return &t->info;
}

/* ---- random ------------------------------------------------------------ */

#define RANDOM_MAX 64

struct random_op {
	uint8_t v[RANDOM_MAX];
	size_t n;
};

static CK_RV
random_run(struct hsm_call *c, void *arg)
{
	struct random_op *r = arg;

	return CK_CALL(c, C_GenerateRandom, c->s, r->v, r->n);
}

bool
hsm_token_random(struct hsm_token *t, void *p, size_t n, struct error *e)
{
	static const struct hsm_op op = { random_run, false };
	struct random_op r = { .n = n };

	if (n > sizeof(r.v))
		return error_set(e, FAIL_INTERNAL,
		    "hsm_token_random: %zu bytes at once", n);
	if (!t->has_rng)
		return error_set(e, FAIL_UNSUPPORTED,
		    "token '%s' has no random generator", t->info.label);
	if (!hsm_run(t, &op, &r, e))
		return false;
	memcpy(p, r.v, n);
	explicit_bzero(r.v, sizeof(r.v));
	return true;
}
