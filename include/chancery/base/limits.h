/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every size, count and time limit, each with its reason. */

/* A CSR of an RSA-8192 key with a hundred SANs is below 16 KiB; PEM adds a
 * third. */
#define LIMIT_CSR_BYTES 65536
/* A line of the register, tile bundles carry a 16-bit length (C2SP
 * tlog-tiles). */
#define LIMIT_RECORD_BYTES 65535
/* A TBS lies base64 inside one record together with who and why. */
#define LIMIT_TBS_BYTES 45056
#define LIMIT_CERT_BYTES 49152
/* Free text of callers: who, why. */
#define LIMIT_WHO_BYTES 512
#define LIMIT_WHY_BYTES 1024
/* Configuration, plan, charter files. */
#define LIMIT_CONFIG_BYTES (1 << 20)
/* A list of weak keys: Debian's of 2008 has some 400,000 lines of 21 bytes over
 * all sizes. */
#define LIMIT_WEAK_LIST_BYTES (32 << 20)
/* A PIN; PKCS#11 modules take far less. */
#define LIMIT_PIN_BYTES 256
/* A line typed at a prompt: what Linux keeps of one. */
#define LIMIT_PROMPT_BYTES 4096
/* Attributes in one distinguished name; real ones have under ten. */
#define LIMIT_NAME_ATTRIBUTES 128
/* Lists joined by one resign-crls: each is verified in the thread that serves others. */
#define LIMIT_RESIGN_LISTS 64
/* Largest signature: RSA-8192. */
#define LIMIT_SIG_BYTES 1024
/* RSA moduli we verify with; larger ones are a denial of service. */
#define LIMIT_RSA_BITS_MIN 2048
#define LIMIT_RSA_BITS_MAX 8192
/* Likewise; CA/B Baseline Requirements 6.1.6 name 2^256 - 1. */
#define LIMIT_RSA_EXPONENT_BITS 256
/* URLs that one list's issuing distribution point names, a space between two: a dozen. */
#define LIMIT_CRL_URLS_BYTES 4096
/* Serial: 159 random bits, 20 octets (RFC 5280 4.1.2.2). */
#define LIMIT_SERIAL_BYTES 20
/* Serials handed out and not yet used. */
#define LIMIT_SERIALS_OUTSTANDING 65536
/* Requests that the signer holds at once. */
#define LIMIT_IN_FLIGHT 4096
/* A segment of the register: small enough that the copy at start stays well
 * under a second, large enough that a million records are about 40 files. */
#define LIMIT_SEGMENT_BYTES (16L << 20)
/* A batch is committed by itself beyond this: what lies behind the last fsync, and
 * so what a crash can tear, is never longer than this and one record. */
#define LIMIT_BATCH_BYTES (4L << 20)
/* Disk space kept for the outcome of each open INTENT: a SIGNED with the largest
 * signature in base64 is below 2 KiB, a KEYGEN-DONE below 3. Of an INTENT for many
 * signatures (OCSP) it is that of a whole record. */
#define LIMIT_OUTCOME_BYTES 4096
/* Space is reserved in steps of this, so that it costs nothing per record. */
#define LIMIT_RESERVE_STEP (1L << 20)
/* Events, refusals and configuration are not recorded when the disk has less than
 * this left; signing goes on with it. */
#define LIMIT_RECORD_FREE_BYTES (32L << 20)
/* The private body of one record. */
#define LIMIT_PRIVATE_BYTES (1 << 20)
/* A snapshot: keys, charters and open intents; revoked serials lie beside it. */
#define LIMIT_SNAPSHOT_BYTES (64L << 20)
/* The signer stops when its clock is further behind the last record… */
#define LIMIT_CLOCK_BEHIND_MS 5000
/* …or has drifted further from CLOCK_BOOTTIME since start. */
#define LIMIT_CLOCK_DRIFT_MS 60000
/* notBefore and thisUpdate may lie this far ahead of the signer's clock. */
#define LIMIT_FUTURE_S 60
/* A C_Sign that takes longer is a hung module. */
#define LIMIT_SIGN_DEADLINE_MS 10000
/* OCSP ResponseData under one INTENT. */
#define LIMIT_OCSP_BATCH 256
/* An OCSPRequest: 80 octets a certificate; one that is signed brings a chain of RSA-4096
 * certificates. */
#define LIMIT_OCSP_REQUEST_BYTES 8192
/* Certificates in it; RFC 9919 3.1.1 has one. A chain of intermediates fits. */
#define LIMIT_OCSP_REQUESTS 16
/* A CertID: two SHA-512 hashes and a serial of 20 octets are 175; what is longer is only
 * there to be sent back. */
#define LIMIT_OCSP_ID_BYTES 256
/* RFC 9654 2.1. */
#define LIMIT_OCSP_NONCE_BYTES 128
/* A signed note: 16 signatures of 5 kB (C2SP signed-note) in base64, and room. */
#define LIMIT_NOTE_BYTES 131072
/* Its signature lines: Go's x/mod/sumdb/note stops at the same number. */
#define LIMIT_NOTE_SIGNATURES 100
/* A tlog-proof receipt: a record in base64, 64 hashes, a note. */
#define LIMIT_RECEIPT_BYTES 262144
/* An RFC 7512 URI: a 64-byte id and a 127-byte label, percent-encoded, and the
 * token's four names are below 1 KiB. */
#define LIMIT_URI_BYTES 4096
/* Sessions of one token where it sets no bound: threads that wait for a network
 * HSM are cheap, but 64 of them already carry 16,000 signatures/s at 4 ms. */
#define LIMIT_HSM_SESSIONS 64
/* Objects that one search reads; SoftHSM needs 160 ms for 10,000. */
#define LIMIT_HSM_OBJECTS 100000
/* Slots with a token that a module may list; one with more lies. */
#define LIMIT_HSM_SLOTS 10000
/* One attribute of an object. */
#define LIMIT_HSM_ATTR_BYTES 65536
/* A data object (anchors: a few hundred bytes each); tokens have little room. */
#define LIMIT_HSM_DATA_BYTES 4096
/* Worker threads of a key queue. */
#define LIMIT_KEY_WORKERS 256
/* Names in one SAN: more do not pass a TLS Certificate message of 32 KiB. */
#define LIMIT_SANS 800

/* ---- between the rooms ---- */
/* A packet passes with the smallest socket buffer that is usual (208 KiB, of which
 * the kernel counts twice the octets). */
#define LIMIT_PACKET_BYTES 65536
/* Another log's bundle: an offline root has some hundred records a decade, of 2 to 5 kB each;
 * the signer holds one in memory. */
#define LIMIT_BUNDLE_BYTES (8 << 20)
/* The largest body: such a bundle and claims; all others are below LIMIT_PRIVATE_BYTES and
 * 64 KiB. */
#define LIMIT_FRAME_BYTES (LIMIT_BUNDLE_BYTES + 65536)
/* What may wait for a room that does not read, before requests are refused. */
#define LIMIT_PEER_QUEUE_BYTES (16L << 20)
/* Asked for; net.core.wmem_max has the last word. */
#define LIMIT_PEER_SOCKET_BYTES (1 << 20)
/* A signer's answer: a receipt is the longest. */
#define LIMIT_ANSWER_BYTES LIMIT_RECEIPT_BYTES
/* C_Sign deadline, restart of the signer, queue: some clients fail for good on any
 * 5xx, so they wait. */
#define LIMIT_WAIT_MS 20000
/* RSA-4096 on a slow token takes a minute. */
#define LIMIT_KEYGEN_WAIT_MS 120000
/* PKCS#8 of RSA-4096 is 2,374 octets. */
#define LIMIT_PRIVATE_KEY_BYTES 4000
/* Another log is recomputed, each of its lists from the beginning: 3,300 records with a hundred
 * lists take 4 s, and the largest bundle has some 8,000. */
#define LIMIT_IMPORT_WAIT_MS 120000
/* Requests of one server worker that wait or are in flight. */
#define LIMIT_LANE_QUEUE 2048
/* Of these, sent to the signer and not answered; the rest waits in the server, where
 * it costs nothing to give up. */
#define LIMIT_LANE_IN_FLIGHT 512
/* Serials that the signer hands out at once: 60 ms of work at 4,000 a second. */
#define LIMIT_SERIAL_BATCH 256
/* Serials of one lane that stay good; older ones are taken back. */
#define LIMIT_LANE_SERIALS 4096
/* The register is checkpointed so often while records arrive. */
#define LIMIT_CHECKPOINT_MS 10000

/* ---- to the publisher and beyond ---- */
/* A token of another service: Vault's service tokens have some 100 octets, its batch tokens
 * with metadata some 500. */
#define LIMIT_FOREIGN_TOKEN_BYTES 2048
/* Packets that wait in a port: each has a locked page. */
#define LIMIT_PORT_PACKETS 4096
/* Calls of one worker that wait for what the publisher asks; more are told to come again. Half
 * of LIMIT_CALLS_IN_FLIGHT: an outside service that hangs does not take the other half. */
#define LIMIT_OUTLANE_WAITERS 1024
/* Calls to one outside service that the publisher has begun; what it does not take at once
 * waits in the publisher, for the job's own deadline. */
#define LIMIT_OUTSIDE_CALLS 4096
/* Connections to one outside service, and to all. */
#define LIMIT_OUTSIDE_CONNECTIONS 16
#define LIMIT_OUTSIDE_CONNECTIONS_ALL 64
/* An answer from outside: a token with 128 policies and metadata has 20 KiB. */
#define LIMIT_OUTSIDE_ANSWER_BYTES 65536
/* How long an answer of no is remembered: a token that has just been made may be asked about
 * before its Vault's standby nodes know it. */
#define LIMIT_FOREIGN_REFUSED_S 2
/* Answers of no that are remembered. */
#define LIMIT_FOREIGN_REFUSED 4096

/* ---- publication ---- */
/* The name of a published object; S3 takes 1,024 octets with its prefix. */
#define LIMIT_OBJECT_NAME_BYTES 512
/* Objects of one target that wait: the server asks for one after the other, a new server asks
 * again. */
#define LIMIT_PUBLISH_QUEUE 64
/* A list: 60 million entries. What a target answers beyond it is no list. */
#define LIMIT_LIST_BYTES (2L << 30)
/* What comes before its entries, and what comes after them: names and extensions have some
 * hundred octets, the largest signature 1,024. */
#define LIMIT_LIST_HEAD_BYTES 16384
/* An Ed25519 list that another place has is held whole, because its signature is over the
 * message. */
#define LIMIT_LIST_WHOLE_BYTES (16L << 20)
/* A line of credentials. */
#define LIMIT_CREDENTIAL_BYTES 4096
/* Slower than this for so long: the other end hangs. */
#define LIMIT_PUBLISH_SLOWEST_PER_S 1024
#define LIMIT_PUBLISH_STALL_S 30

/* ---- HTTP ---- */
/* Request line and fields; clients send under 1 KiB, Go and nginx take 8 to 16. */
#define LIMIT_HTTP_HEAD_BYTES 16384
/* The longest path is a mount (256), an issuer and a serial; lists carry a query. */
#define LIMIT_HTTP_TARGET_BYTES 8192
/* "SUBSCRIBE" is 9; a longer token is no method of anybody. */
#define LIMIT_HTTP_METHOD_BYTES 32
#define LIMIT_HTTP_FIELDS 100
/* Vault's default for a request's body. */
#define LIMIT_HTTP_BODY_BYTES (32UL << 20)
/* Content-Length: 10 digits are 9 GiB, more than any limit above. */
#define LIMIT_HTTP_LENGTH_DIGITS 10
/* Bodies above LIMIT_HTTP_BODY_FREE share this in the process; beyond it 503. Eight of
 * the largest, or thousands of ordinary ones, at once. */
#define LIMIT_HTTP_BODIES_BYTES (256L << 20)
#define LIMIT_HTTP_BODY_FREE 16384UL
/* What is read ahead of a pipelining client while its answer is being made. */
#define LIMIT_HTTP_PIPELINE_BYTES 16384
/* One TLS record (RFC 8446 5.1): head and body of an answer leave in one where they fit. */
#define LIMIT_HTTP_RECORD_BYTES 16384
/* One turn of a long answer, or of a pipelining client; then the other connections have
 * theirs. */
#define LIMIT_HTTP_TURN_BYTES (256UL << 10)
#define LIMIT_HTTP_TURN_REQUESTS 16
/* TCP connection to end of the first head: a handshake is 2 round trips and 0.5 ms. */
#define LIMIT_HTTP_HEAD_MS 5000
/* Body and answer: a fixed part, which ordinary ones never need, and the bytes at the
 * slowest rate we wait for: whoever is slower holds memory too long. */
#define LIMIT_HTTP_BODY_MS 10000
#define LIMIT_HTTP_REPLY_MS 30000
#define LIMIT_HTTP_SLOWEST_PER_S 65536
/* Go's clients give an idle connection up after 90 s, curl after 118 s. */
#define LIMIT_HTTP_IDLE_MS 60000
/* After an answer that ends a connection: what still comes is thrown away this long, so
 * that no reset overtakes the answer (RFC 9112 9.6). */
#define LIMIT_HTTP_LINGER_MS 2000
/* Deadlines are looked at this often. */
#define LIMIT_HTTP_TICK_MS 250
/* Out of descriptors or memory: accept() rests this long. */
#define LIMIT_HTTP_ACCEPT_REST_MS 100
/* What a client shows of itself: an RSA certificate has 1.5 kB, a chain at most four. */
#define LIMIT_HTTP_CLIENT_CHAIN_BYTES 32768
/* Where nothing is said: idle, so many take some 500 MB. */
#define LIMIT_HTTP_CONNECTIONS 16384
/* The operator's way in stays open when others have taken all places. */
#define LIMIT_HTTP_CONNECTIONS_UNIX 64
/* Handshakes that may come at once after a quiet time: a restart of a fleet. */
#define LIMIT_HTTP_HANDSHAKE_BURST_MS 250
/* Connections taken in one turn of the loop: more workers get their share. */
#define LIMIT_HTTP_ACCEPT_TURN 16
/* A stop waits this long for what is in flight: a request waits 20 s for a signer that
 * comes back (design.md, promise 4), then its answer has to leave. */
#define LIMIT_STOP_MS 25000
/* Levels of a JSON body: the deepest request of the API has four. */
#define LIMIT_JSON_DEPTH 16
/* Values in a body, pairs in a query or form: some 100 octets each once parsed, so 32 MiB
 * of "[]," would be 2 GB. The longest lists of the API are names of a policy or role. */
#define LIMIT_JSON_VALUES 65536
/* Calls that one worker has begun and not answered: more than a signer's lane takes, and
 * each may hold a body. Beyond it: 503. */
#define LIMIT_CALLS_IN_FLIGHT 2048
/* Above it for reads of health, metrics, CA certificates and CRLs (ROUTE_SPARE, ROUTE_PUBLIC):
 * whoever verifies a certificate or watches the service is not to pay for those who sign. They
 * are answered in one turn, so few are ever held. */
#define LIMIT_CALLS_SPARE 64
/* Helper threads of the server: key generation in software, commits of changes. */
#define LIMIT_OFFLOAD_THREADS 2
/* Changes of configuration that wait for their turn. */
#define LIMIT_CHANGES_WAITING 1024
/* ---- OCSP ---- */
/* Nobody can revoke a responder (id-pkix-ocsp-nocheck): its certificate's life. */
#define LIMIT_OCSP_RESPONDER_S (35 * 86400)
/* Answers that were signed, of all workers: 1 kB each, so 60,000 certificates… */
#define LIMIT_OCSP_CACHE_BYTES (64UL << 20)
/* …and of what was never issued, where anybody can ask for as many as he likes. */
#define LIMIT_OCSP_UNKNOWN_BYTES (4UL << 20)
/* An answer about what was never issued is kept so long: it may be issued yet by who has it
 * already from the signer. */
#define LIMIT_OCSP_UNKNOWN_S 60
/* What caches between a client and us may keep an answer for, whatever its nextUpdate: so long
 * a revocation stays unseen behind them. */
#define LIMIT_OCSP_MAX_AGE_S 300
/* Callers of one worker that wait for a signature; half of LIMIT_CALLS_IN_FLIGHT, so that a
 * signer that is away does not take the other half. */
#define LIMIT_OCSP_WAITING 1024
/* They wait so long; clients of OCSP give up after 10 to 15 s. */
#define LIMIT_OCSP_WAIT_MS 5000
/* ---- who may: policies, tokens, AppRole, certificates ---- */
/* A list of revoked certificates handed to a cert login: 14,000 entries; as base64 it
 * fits into the private body of a CONFIG record. */
#define LIMIT_AUTH_CRL_BYTES (512 << 10)
/* A password: longer ones are hashed by whoever wants them. */
#define LIMIT_PASSWORD_BYTES 1024
/* As Vault's default: so many wrong ones lock a user for a quarter of an hour. */
#define LIMIT_LOCKOUT_FAILURES 5
#define LIMIT_LOCKOUT_S 900
/* Users whose wrong passwords are counted: helper threads try 25 a second, 22,500 in that
 * time. */
#define LIMIT_LOCKOUT_USERS 32768
/* Passwords that wait for a helper thread: 32 MiB and 80 ms each, before changes of
 * configuration that want the same threads. */
#define LIMIT_PASSWORDS_AT_ONCE 8
/* A policy's text: OpenBao's largest examples are below 10 KiB; a CONFIG record's private
 * body (LIMIT_PRIVATE_BYTES) carries it. */
#define LIMIT_POLICY_BYTES (256 << 10)
/* Values in it: 256 KiB of the densest text that still means something. */
#define LIMIT_POLICY_NODES 65536
/* Nesting: a stanza with a parameter that is a list of lists has 5. */
#define LIMIT_POLICY_DEPTH 16
/* Tokens in memory, about 2 KiB each with a few policies; the store has the rest, 20 us
 * away. A multiple of four. */
#define LIMIT_TOKEN_CACHE 8192
/* Generations of tokens; each costs a look at the store. */
#define LIMIT_TOKEN_DEPTH 64
/* A secret-id of the caller's own choice. */
#define LIMIT_SECRET_ID_BYTES 4096
/* The longest lifetime that can be asked for: Go's longest duration, 292 years; times in
 * seconds are sums of two. */
#define LIMIT_TTL_S 9223372036LL
/* How often a write starts anew because somebody else changed the row in between. */
#define LIMIT_SWAP_TRIES 32
/* Expired rows that one tidying removes: a few milliseconds of the store's writer. */
#define LIMIT_TIDY_ROWS 2000
/* A list of revoked certificates in a wrapped answer, DER: all of it is in memory, and becomes a
 * row of the store, for a caller without a token. */
#define LIMIT_CRL_WRAP_BYTES (UINT64_C(1) << 20)
/* Names in one list of leases: a look-up each, some hundred milliseconds in all. */
#define LIMIT_LEASE_KEYS 10000
/* Rows of the store that wait for its writer: over a second of the highest rate, some
 * 16 MB with their certificates. */
#define LIMIT_STORE_PENDING 8192
/* Prepared templates that a worker keeps: a role under an issuer is 3 kB. */
#define LIMIT_PKI_WAYS 256
