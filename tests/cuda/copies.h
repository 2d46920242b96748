// Asynchronous copies: what the functions of copy.cu do, as late as they may. Included by shim.h.
//
// A copy that is put in spoils its destination at once, for it may come at any moment, and fills it when its thread
// waits for its group: a wait left out or for too few groups, and a destination that others still read, give wrong
// numbers. Both places must lie on the copy's size, and a thread may not end before its copies have come.

#include <deque>

namespace emulation {

struct Copy {
    float* to;
    const float* from;
    int floats;
};

// The copies of a thread: groups, the oldest first, and those of none yet.
struct Copies {
    std::deque<std::vector<Copy>> groups;
    std::vector<Copy> open;
};
static Copies copies[MOST_THREADS];

// What is not a number: spoilt.
static const uint32_t SPOILT = 0xffffffff;

static void put_in(float* to, const float* from, int floats, bool inside) {
    const size_t size = floats * sizeof(float);
    if ((uintptr_t)to % size != 0 || (uintptr_t)from % size != 0) fail("a copy does not lie on its size");
    for (int i = 0; i < floats; i++) std::memcpy(to + i, &SPOILT, sizeof SPOILT);
    copies[current].open.push_back({to, inside ? from : nullptr, floats});
}

static void close_group() {
    Copies& own = copies[current];
    own.groups.push_back(std::move(own.open));
    own.open.clear();
}

static void wait_for_all_but(size_t groups) {
    Copies& own = copies[current];
    for (; own.groups.size() > groups; own.groups.pop_front()) {
        for (const Copy& copy : own.groups.front()) {
            for (int i = 0; i < copy.floats; i++) copy.to[i] = copy.from ? copy.from[i] : 0.0f;
        }
    }
}

static void no_copies_left() {
    Copies& own = copies[current];
    for (const std::vector<Copy>& group : own.groups) {
        if (!group.empty()) fail("a thread ends before its copies have come");
    }
    if (!own.open.empty()) fail("a thread ends with copies of no group");
    own.groups.clear();
}

}  // namespace emulation

template <int FLOATS> static inline void copy_later(float* shared, const float* from, bool inside) {
    emulation::put_in(shared, from, FLOATS, inside);
}
static inline void copies_end() { emulation::close_group(); }
template <int GROUPS> static inline void copies_wait() { emulation::wait_for_all_but(GROUPS); }
