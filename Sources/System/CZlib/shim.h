// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CZLIB_SHIM_H
#define ICEPACK_CZLIB_SHIM_H
#include <zlib.h>
#endif
