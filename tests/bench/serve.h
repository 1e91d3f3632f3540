/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AAEL_BENCH_SERVE_H
#define AAEL_BENCH_SERVE_H

struct evhttp_request;

/* main() of a bare evhttp on the loopback port argv[1], without end; 1 if it cannot serve. */
int bench_serve(int argc, char **argv, void (*answer)(struct evhttp_request *req, void *unused));

#endif
