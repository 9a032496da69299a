// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CBROTLI_SHIM_H
#define ICEPACK_CBROTLI_SHIM_H
#include <brotli/decode.h>
#include <brotli/encode.h>
#endif
