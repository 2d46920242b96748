// What the emulated driver gives to the emulated libraries: its streams and its memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

// Ends the process: what was done would break a real driver or library.
[[noreturn]] void broken(const char* text);

// Puts work into a stream: it is done at once, or recorded.
int put_in(void* stream, std::function<void()> work);

// Whether so many bytes from an address on are the device's; else it is `broken`.
void inside_device(uint64_t address, size_t bytes, const char* text);
