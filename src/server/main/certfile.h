/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The server's own certificate, where it is not the operator's: names, files. */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "room.h"

DEFINE_AUTO(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
DEFINE_AUTO(x509, X509 *, X509_free)
DEFINE_AUTO(x509_req, X509_REQ *, X509_REQ_free)
DEFINE_AUTO(bio, BIO *, BIO_free_all)
#define auto_pkey auto_cleanup(evp_pkey_cleanup)
#define auto_x509 auto_cleanup(x509_cleanup)
#define auto_x509_req auto_cleanup(x509_req_cleanup)
#define auto_bio auto_cleanup(bio_cleanup)

/* "DNS:localhost,IP:127.0.0.1,…": what clients may have been told to connect to. */
void cert_sans(const struct service_config *cfg, struct buf *out);
/* A file beside the store; mem_free. */
char *cert_path(const struct service_config *cfg, const char *name) must_check;
void cert_bio_take(BIO *b, struct buf *out);
