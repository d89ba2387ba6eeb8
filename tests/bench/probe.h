/* SPDX-License-Identifier: MIT */
/* probe.h: what this machine can do at best and right now: the figures that a
 * roofline is made of, and the gate of the timings. Built with -O3
 * -march=native -ffp-contract=fast. Local. */
#ifndef LPCAM_BENCH_PROBE_H
#define LPCAM_BENCH_PROBE_H

/* f32 multiply-adds in registers, all threads together, for about this long:
 * GFLOP/s. */
double probe_fma_gflops(int n_threads, double seconds);

/* The same with pairs of bf16 (vdpbf16ps); 0 where the compiler was not allowed
 * to use it. */
double probe_bf16_gflops(int n_threads, double seconds);

/* Reading n_bytes (many times the last cache) once, each thread its part, in
 * huge pages and with prefetch into L2: GB/s; 0 without memory. The bytes stay
 * allocated for the next call with as many. */
double probe_stream_gbs(int n_threads, long n_bytes);

#endif
