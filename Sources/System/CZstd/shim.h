// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CZSTD_SHIM_H
#define ICEPACK_CZSTD_SHIM_H
#include <zstd.h>
#include <zstd_errors.h>
#endif
