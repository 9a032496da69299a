// SPDX-License-Identifier: Apache-2.0
// libpq, and epoll and eventfd, which the Glibc module does not show.
#ifndef ICEPACK_CPQ_SHIM_H
#define ICEPACK_CPQ_SHIM_H
#include <libpq-fe.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif
