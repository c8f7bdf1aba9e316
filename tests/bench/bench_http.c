/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP engine alone: requests of 1.5 KB, answers of 3 KB over TLS 1.3, from a process
 * of its own with two workers. CPU a request and a connection; memory of 10,000 idle
 * connections.
 */
#include <arpa/inet.h>
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chancery/base/alloc.h>
#include <chancery/server/http.h>

#include "load.h"

#define WORKERS 2
#define ANSWER 3000
#define REQUEST 1500
#define IDLE 10000U

static void
handle(unused_arg void *arg, struct http_exchange *x)
{
	static const uint8_t answer[ANSWER] = { 0 };

	http_send(x, 200, "application/json", bytes_of(answer, ANSWER));
}

static void
certificate(struct buf *crt_pem, struct buf *key_pem)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *crt = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	(void)ASN1_INTEGER_set(X509_get_serialNumber(crt), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(crt), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(crt), 86400);
	(void)X509_set_pubkey(crt, key);
	(void)X509_sign(crt, key, EVP_sha256());
	(void)PEM_write_bio_X509(bio, crt);
	n = BIO_get_mem_data(bio, &p);
	buf_add(crt_pem, p, (size_t)n);
	(void)BIO_reset(bio);
	(void)PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &p);
	buf_add(key_pem, p, (size_t)n);
	BIO_free(bio);
	X509_free(crt);
	EVP_PKEY_free(key);
}

static void *
run(void *arg)
{
	http_worker_run(arg);
	return NULL;
}

static _Noreturn void
serve(int fd)
{
	struct buf crt = { 0 }, key = { 0 };
	struct http_config cfg = { .handler = handle };
	struct http_shared *s;
	pthread_t t[WORKERS];
	struct error e;

	http_memory_init();
	certificate(&crt, &key);
	cfg.tls = http_tls_new(&(struct http_tls_config){ buf_bytes(&crt),
				   buf_bytes(&key), NULL },
	    &e);
	if (cfg.tls == NULL)
		errx(1, "%s", e.msg);
	s = http_shared_new(&cfg);
	for (unsigned i = 0; i < WORKERS; i++) {
		struct http_worker *w = http_worker_new(s, i);

		http_worker_listen(w, HTTP_TLS, fd);
		if (pthread_create(&t[i], NULL, run, w) != 0)
			errx(1, "no thread");
	}
	for (unsigned i = 0; i < WORKERS; i++)
		(void)pthread_join(t[i], NULL);
	_exit(0);
}

static int
listen_at(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &n) != 0)
		err(1, "listen");
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
measure(struct load_config *cfg, unsigned connections, bool reconnect)
{
	struct load_result r;
	double n;

	cfg->connections = connections;
	cfg->reconnect = reconnect;
	load_run(cfg, &r);
	n = r.requests > 0 ? (double)r.requests : 1;
	(void)printf("%-14s %3u connections  %7.0f/s  p50 %6.2f p99 %6.2f ms  "
		     "server %5.1f us, client %5.1f us, errors %llu\n",
	    reconnect ? "new connection" : "keep-alive", connections,
	    (double)r.requests / r.seconds, r.p50_ms, r.p99_ms,
	    r.server_cpu_s / n * 1e6, r.own_cpu_s / n * 1e6,
	    (unsigned long long)r.errors);
}

static void
measure_idle(struct load_config *cfg)
{
	uint64_t before = load_pss_kib(cfg->pids), with;
	struct load_idle *idle = load_idle_open(cfg, IDLE);

	with = load_pss_kib(cfg->pids);
	(void)printf("idle: %llu KiB before, %llu KiB with %u connections: "
		     "%.1f KiB each (at most 40)\n",
	    (unsigned long long)before, (unsigned long long)with, IDLE,
	    (double)(with - before) / IDLE);
	load_idle_close(idle);
}

int
main(void)
{
	static const unsigned connections[] = { 1, 8, 32, 64, 256 };
	static const uint8_t body[REQUEST] = { 0 };
	struct load_config cfg = { .host = "127.0.0.1",
		.n_requests = 1,
		.warm_up_s = 0.5,
		.seconds = 3 };
	struct rlimit l = { 0 };
	struct buf request = { 0 };
	int fd = listen_at(&cfg.port);

	(void)getrlimit(RLIMIT_NOFILE, &l);
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
	load_request(&request, "POST", "/v1/a", "hvs.token",
	    bytes_of(body, sizeof(body)));
	cfg.requests = &request;
	if ((cfg.pids[0] = fork()) == 0)
		serve(fd);
	for (size_t i = 0; i < countof(connections); i++)
		measure(&cfg, connections[i], false);
	measure(&cfg, 8, true);
	measure_idle(&cfg);
	(void)kill(cfg.pids[0], SIGTERM);
	(void)waitpid(cfg.pids[0], NULL, 0);
	buf_free(&request);
	return 0;
}
