// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CMALLOC_SHIM_H
#define ICEPACK_CMALLOC_SHIM_H
#include <malloc.h>
#endif
