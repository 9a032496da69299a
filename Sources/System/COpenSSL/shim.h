// SPDX-License-Identifier: Apache-2.0
// The digests of OpenSSL's libcrypto, which libpq brings with it.
#ifndef ICEPACK_COPENSSL_SHIM_H
#define ICEPACK_COPENSSL_SHIM_H
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#endif
