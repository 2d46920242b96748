// A GPU that is none, for tests: the functions of NVIDIA's driver and of NVRTC that cnnc uses, over the processor's memory.
//
// Built with libraries.cpp as one library that is found as libcuda.so, as libnvrtc.so.13, and as cuBLASLt and cuDNN. Its NVRTC makes
// "machine code" by the C++ compiler, behind shim.h; its driver loads that and runs a grid one thread after another. Work is done when it
// is put in, and what a stream records is kept and done when the graph is launched. So the whole way from a plan to numbers runs on any
// machine, and what breaks the driver's rules ends the process: memory that is not the driver's, a copy past its end, something given
// back twice, a launch with too little to launch. CNNC_EMULATED_BYTES is the memory of the device.

#include "driver.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

enum { OK = 0, INVALID = 1, OUT_OF_MEMORY = 2, NOT_FOUND = 500, NOT_PERMITTED = 800 };

std::recursive_mutex guard;
std::map<uint64_t, size_t> device_memory, host_memory;
std::set<void*> live;
std::atomic<int> numbers{0};

struct Recording {
    std::vector<std::function<void()>> work;
};
struct Stream {
    Recording* recording = nullptr;
};
struct Event {
    double moment = 0;
};
typedef void (*Launcher)(float* const*, unsigned, unsigned, unsigned, unsigned);
struct Function {
    Launcher launcher;
    int arguments;
    int threads;
};
struct Module {
    void* library;
    std::vector<Function*> functions;
};

template <class T> T* made(T* value) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    live.insert(value);
    return value;
}

template <class T> T* known(void* handle, const char* text) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (!live.count(handle)) broken(text);
    return static_cast<T*>(handle);
}

void gone(void* handle, const char* text) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (!live.erase(handle)) broken(text);
}

size_t most() {
    const char* text = std::getenv("CNNC_EMULATED_BYTES");
    return text ? std::strtoull(text, nullptr, 10) : size_t(4) << 30;
}

size_t taken() {
    size_t sum = 0;
    for (const auto& one : device_memory) sum += one.second;
    return sum;
}

// Whether so many bytes from an address on are the driver's.
void inside(const std::map<uint64_t, size_t>& memory, uint64_t address, size_t bytes, const char* text) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    auto next = memory.upper_bound(address);
    if (next == memory.begin()) broken(text);
    --next;
    if (address + bytes > next->first + next->second) broken(text);
}

double now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + 1e-9 * time.tv_nsec;
}

}  // namespace

void broken(const char* text) {
    std::fprintf(stderr, "the emulated driver: %s\n", text);
    std::abort();
}

void inside_device(uint64_t address, size_t bytes, const char* text) { inside(device_memory, address, bytes, text); }

int put_in(void* stream, std::function<void()> work) {
    Stream* to = known<Stream>(stream, "work for a stream that is not there");
    if (to->recording) {
        to->recording->work.push_back(work);
    } else {
        work();
    }
    return OK;
}

// ---- the driver

extern "C" {

int cuInit(unsigned) { return OK; }
int cuDriverGetVersion(int* version) { return *version = 13000, OK; }
int cuGetErrorName(int, const char** text) { return *text = "an error", OK; }
int cuGetErrorString(int, const char** text) { return *text = "of the emulated driver", OK; }
int cuDeviceGetCount(int* count) { return *count = 2, OK; }
int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, OK; }
int cuDeviceGetName(char* name, int length, int) { return std::snprintf(name, length, "emulated GPU"), OK; }
int cuDeviceGetAttribute(int* value, int attribute, int) {
    const std::map<int, int> values = {{75, 9}, {76, 0}, {16, 132}, {13, 1980000}, {36, 3201000}, {37, 6144}, {38, 50 << 20}};
    const auto found = values.find(attribute);
    if (found == values.end()) broken("an attribute that it does not know");
    return *value = found->second, OK;
}
int cuDevicePrimaryCtxRetain(void** context, int) { return *context = &live, OK; }
int cuDevicePrimaryCtxRelease_v2(int) { return OK; }
int cuCtxSetCurrent(void* context) { return context == &live ? OK : INVALID; }
int cuCtxSynchronize() { return OK; }

int cuMemGetInfo_v2(size_t* free, size_t* total) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    const size_t used = taken();
    return *total = most(), *free = used < most() ? most() - used : 0, OK;
}
int cuMemAlloc_v2(uint64_t* address, size_t bytes) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (bytes == 0) return INVALID;
    if (taken() + bytes > most()) return OUT_OF_MEMORY;
    void* memory = nullptr;
    if (posix_memalign(&memory, 256, bytes)) return OUT_OF_MEMORY;
    std::memset(memory, 0xff, bytes);
    device_memory[*address = (uint64_t)memory] = bytes;
    return OK;
}
int cuMemFree_v2(uint64_t address) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (!device_memory.erase(address)) broken("memory given back that is not there");
    std::free((void*)address);
    return OK;
}
int cuMemHostAlloc(void** memory, size_t bytes, unsigned) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (bytes == 0 || posix_memalign(memory, 4096, bytes)) return INVALID;
    host_memory[(uint64_t)*memory] = bytes;
    return OK;
}
int cuMemFreeHost(void* memory) {
    std::lock_guard<std::recursive_mutex> lock(guard);
    if (!host_memory.erase((uint64_t)memory)) broken("host memory given back that is not there");
    std::free(memory);
    return OK;
}
int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
    inside(device_memory, to, bytes, "a copy past the end of the device's memory");
    std::memcpy((void*)to, from, bytes);
    return OK;
}
int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
    inside(device_memory, from, bytes, "a copy from past the end of the device's memory");
    std::memcpy(to, (const void*)from, bytes);
    return OK;
}
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
    inside(host_memory, (uint64_t)from, bytes, "a copy from host memory that is not pinned");
    return put_in(stream, [=] { cuMemcpyHtoD_v2(to, from, bytes); });
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
    inside(host_memory, (uint64_t)to, bytes, "a copy to host memory that is not pinned");
    return put_in(stream, [=] { cuMemcpyDtoH_v2(to, from, bytes); });
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    inside(device_memory, from, bytes, "a copy from past the end of the device's memory");
    return put_in(stream, [=] { cuMemcpyHtoD_v2(to, (const void*)from, bytes); });
}

int cuStreamCreate(void** stream, unsigned) { return *stream = made(new Stream), OK; }
int cuStreamDestroy_v2(void* stream) { return gone(stream, "a stream destroyed that is not there"), OK; }
int cuStreamSynchronize(void* stream) {
    return known<Stream>(stream, "waiting for a stream that is not there")->recording ? NOT_PERMITTED : OK;
}
int cuStreamWaitEvent(void* stream, void* event, unsigned) {
    known<Event>(event, "waiting for an event that is not there");
    return known<Stream>(stream, "a stream that is not there waits")->recording ? NOT_PERMITTED : OK;
}
int cuStreamBeginCapture_v2(void* stream, int) {
    if (std::getenv("CNNC_EMULATED_NO_GRAPHS")) return NOT_PERMITTED;
    Stream* to = known<Stream>(stream, "recording a stream that is not there");
    if (to->recording) return INVALID;
    return to->recording = new Recording, OK;
}
int cuStreamEndCapture(void* stream, void** graph) {
    Stream* from = known<Stream>(stream, "a stream that is not there ends recording");
    if (!from->recording) return INVALID;
    *graph = made(from->recording);
    from->recording = nullptr;
    return OK;
}
int cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    return *executable = made(new Recording(*known<Recording>(graph, "a graph that is not there"))), OK;
}
int cuGraphUpload(void*, void*) { return OK; }
int cuGraphDestroy(void* graph) { return gone(graph, "a graph destroyed that is not there"), OK; }
int cuGraphExecDestroy(void* graph) { return gone(graph, "a graph destroyed that is not there"), OK; }
int cuGraphLaunch(void* graph, void* stream) {
    Recording* recording = known<Recording>(graph, "a launch of a graph that is not there");
    return put_in(stream, [=] {
        for (const auto& work : recording->work) work();
    });
}

int cuEventCreate(void** event, unsigned) { return *event = made(new Event), OK; }
int cuEventDestroy_v2(void* event) { return gone(event, "an event destroyed that is not there"), OK; }
int cuEventSynchronize(void* event) { return known<Event>(event, "an event that is not there"), OK; }
int cuEventRecord(void* event, void* stream) {
    Event* marked = known<Event>(event, "an event that is not there");
    return put_in(stream, [=] { marked->moment = now(); });
}
int cuEventRecordWithFlags(void* event, void* stream, unsigned) { return cuEventRecord(event, stream); }
int cuEventElapsedTime_v2(float* milliseconds, void* from, void* to) {
    const double moments[2] = {known<Event>(from, "no event")->moment, known<Event>(to, "no event")->moment};
    return *milliseconds = (float)(1e3 * (moments[1] - moments[0])), OK;
}

// The code is a shared library, which the loader takes from a file alone; its section headers say where it ends.
int cuModuleLoadData(void** module, const void* image) {
    const unsigned char* bytes = static_cast<const unsigned char*>(image);
    if (std::memcmp(bytes, "\177ELF", 4)) return INVALID;
    uint64_t headers;
    uint16_t size, count;
    std::memcpy(&headers, bytes + 40, 8);
    std::memcpy(&size, bytes + 58, 2);
    std::memcpy(&count, bytes + 60, 2);
    const std::string path = "/tmp/cnnc-emulated-" + std::to_string(getpid()) + "-" + std::to_string(numbers++) + ".so";
    std::ofstream(path, std::ios::binary).write((const char*)bytes, headers + size * count);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    unlink(path.c_str());
    if (!library) broken(dlerror());
    return *module = made(new Module{library, {}}), OK;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
    Module* from = known<Module>(module, "a function of a module that is not there");
    const std::string own = name;
    void* launcher = dlsym(from->library, ("launch_" + own).c_str());
    int* arguments = (int*)dlsym(from->library, ("arguments_of_" + own).c_str());
    int* threads = (int*)dlsym(from->library, ("threads_of_" + own).c_str());
    if (!launcher || !arguments || !threads) return NOT_FOUND;
    from->functions.push_back(made(new Function{(Launcher)launcher, *arguments, *threads}));
    return *function = from->functions.back(), OK;
}
int cuModuleUnload(void* module) {
    for (Function* function : known<Module>(module, "a module that is not there")->functions) gone(function, "a function");
    return gone(module, "a module"), OK;
}
int cuFuncLoad(void* function) { return known<Function>(function, "a function that is not there"), OK; }
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned a, unsigned b, unsigned c, unsigned,
                   void* stream, void** parameters, void**) {
    const Function* entry = known<Function>(function, "a launch of a function that is not there");
    if (x == 0 || y == 0 || z == 0 || b != 1 || c != 1 || (int)a > entry->threads) return INVALID;
    if (y > 65535 || z > 65535) return INVALID;
    std::vector<float*> pointers;
    for (int i = 0; i < entry->arguments; i++) {
        uint64_t address;
        std::memcpy(&address, parameters[i], 8);
        inside(device_memory, address, 0, "a kernel is given memory that is not the device's");
        pointers.push_back((float*)address);
    }
    const Launcher launcher = entry->launcher;
    return put_in(stream, [=] { launcher(pointers.data(), x, y, z, a); });
}

// ---- NVRTC

struct Program {
    std::string source, log, code;
};

int nvrtcVersion(int* major, int* minor) { return *major = 13, *minor = 0, OK; }
int nvrtcGetNumSupportedArchs(int* count) { return *count = 2, OK; }
int nvrtcGetSupportedArchs(int* all) { return all[0] = 80, all[1] = 90, OK; }
const char* nvrtcGetErrorString(int) { return "an error of the emulated compiler"; }
int nvrtcCreateProgram(Program** program, const char* source, const char*, int, const char* const*, const char* const*) {
    return *program = new Program{source, "", ""}, OK;
}
int nvrtcDestroyProgram(Program** program) { return delete *program, *program = nullptr, OK; }
int nvrtcCompileProgram(Program* program, int, const char* const*) {
    std::ostringstream text;
    text << "#include \"" << CNNC_SHIM << "\"\n#undef ENTRY\n#define ENTRY(threads) extern \"C\" void\n" << program->source;
    const std::regex pattern("ENTRY\\((\\w+)\\)\\s+(\\w+)\\(([^)]*)\\)");
    for (std::sregex_iterator found(program->source.begin(), program->source.end(), pattern), end; found != end; ++found) {
        const std::string threads = (*found)[1], name = (*found)[2], parameters = (*found)[3];
        int count = 1;
        for (const char letter : parameters) count += letter == ',';
        text << "extern \"C\" { int arguments_of_" << name << " = " << count << ", threads_of_" << name << " = " << threads << "; }\n";
        text << "static void adapted_" << name << "(float* const* given) { " << name << "(";
        for (int i = 0; i < count; i++) text << (i ? ", " : "") << "emulation::Address{given[" << i << "]}";
        text << "); }\nextern \"C\" void launch_" << name
             << "(float* const* given, unsigned x, unsigned y, unsigned z, unsigned threads) {\n    emulation::running = \"" << name
             << "\"; emulation::entry = adapted_" << name << "; emulation::arguments = given;\n"
             << "    emulation::run_grid(Place{x, y, z}, threads, false);\n}\n";
    }
    const std::string stem = "/tmp/cnnc-compiled-" + std::to_string(getpid()) + "-" + std::to_string(numbers++);
    std::ofstream(stem + ".cpp") << text.str();
    const std::string command = "c++ -std=c++17 -O1 -w -shared -fPIC -o " + stem + ".so " + stem + ".cpp >" + stem + ".log 2>&1";
    const int failed = std::system(command.c_str());
    const auto content = [](const std::string& path) {
        std::ostringstream all;
        all << std::ifstream(path, std::ios::binary).rdbuf();
        return all.str();
    };
    program->log = content(stem + ".log");
    program->code = failed ? "" : content(stem + ".so");
    for (const char* ending : {".cpp", ".so", ".log"}) unlink((stem + ending).c_str());
    return failed ? 6 : OK;
}
int nvrtcGetProgramLogSize(Program* program, size_t* size) { return *size = program->log.size() + 1, OK; }
int nvrtcGetProgramLog(Program* program, char* log) { return std::memcpy(log, program->log.c_str(), program->log.size() + 1), OK; }
int nvrtcGetCUBINSize(Program* program, size_t* size) { return *size = program->code.size(), OK; }
int nvrtcGetCUBIN(Program* program, char* code) { return std::memcpy(code, program->code.data(), program->code.size()), OK; }

}  // extern "C"
