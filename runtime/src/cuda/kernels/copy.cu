// Copies from memory to shared memory that go on while the thread computes, past its registers (Ampere and later).
//
// A thread puts copies in, closes them as a group, and later waits until all but its newest groups have come. Only
// then, and for other threads after a barrier besides, does shared memory hold what was copied; until then neither
// what was there before nor what will be may be read.

#ifndef CNNC_EMULATED
// Puts in a copy of 1 or 4 floats, both places on as many bytes. Where it is not `inside`, nothing is read and zeros
// come. Sixteen bytes go past the first cache, which single floats share with what neighbours read.
template <int FLOATS> __device__ inline void copy_later(float* shared, const float* from, bool inside) {
    static_assert(FLOATS == 1 || FLOATS == 4, "4 or 16 bytes");
    const unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    if constexpr (FLOATS == 1) {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(from), "r"(inside ? 4 : 0) : "memory");
    } else {
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(inside ? 16 : 0) : "memory");
    }
}

// Closes the group of the copies that were put in since the last one.
__device__ inline void copies_end() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the newest `GROUPS` groups of this thread are still under way.
template <int GROUPS> __device__ inline void copies_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory"); }
#endif
