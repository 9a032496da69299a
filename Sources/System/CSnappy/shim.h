// SPDX-License-Identifier: Apache-2.0
#ifndef ICEPACK_CSNAPPY_SHIM_H
#define ICEPACK_CSNAPPY_SHIM_H
#include <snappy-c.h>
#endif
