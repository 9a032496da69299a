// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CLZ4_SHIM_H
#define ICEPACK_CLZ4_SHIM_H
#include <lz4.h>
#endif
