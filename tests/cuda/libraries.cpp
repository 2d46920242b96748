// cuBLASLt and cuDNN that are none, for tests: the functions that cnnc uses, by loops over the emulated driver's memory.
//
// Linked with driver.cpp into one library, which is found under these names too. Sums are of float64. What the real libraries would not
// do ends the process: an algorithm that was not offered, a layout whose columns overlap, sizes that do not fit each other, an address
// that is aligned worse than was said. Of the algorithms that cuDNN offers, the first gives other bits in every run and the second is a
// Fourier transform: neither may be taken. Of what an operation gets as workspace, all is written over.

#include "driver.h"

#include <cstring>
#include <vector>

namespace {

enum { OK = 0, INVALID = 7, NOT_SUPPORTED = 15 };

void* given(uint64_t bytes_needed, const void* address, const char* text) {
    inside_device((uint64_t)address, bytes_needed, text);
    return const_cast<void*>(address);
}

// What a library does with its workspace is nobody else's business.
void use(void* workspace, size_t bytes) {
    if (bytes) std::memset(given(bytes, workspace, "a workspace that is not the device's"), 0xff, bytes);
}

// ---- cuBLASLt

struct Layout {
    uint64_t rows, columns;
    int64_t apart;
    size_t bytes() const { return 4 * ((columns - 1) * apart + rows); }
};
struct Description {
    int compute;
    int transposed[2];
};
struct Preference {
    uint64_t workspace;
    uint32_t alignments[4];
};
struct Algorithm {
    uint64_t number;
    uint32_t alignments[4];
    uint64_t rest[5];
};
static_assert(sizeof(Algorithm) == 64, "as in cublasLt.h");
struct Found {
    Algorithm algorithm;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};
constexpr uint64_t OFFERED = 0x6c74;
constexpr size_t LT_WORKSPACE = 1000;

}  // namespace

extern "C" {

size_t cublasLtGetVersion() { return 130100; }
size_t cublasLtGetCudartVersion() { return 13000; }
int cublasLtCreate(void** handle) { return *handle = new int, OK; }
int cublasLtDestroy(void* handle) { return delete (int*)handle, OK; }
int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t columns, int64_t apart) {
    if (type != 0 || rows == 0 || columns == 0 || apart < (int64_t)rows) return INVALID;
    return *layout = new Layout{rows, columns, apart}, OK;
}
int cublasLtMatrixLayoutDestroy(void* layout) { return delete (Layout*)layout, OK; }
int cublasLtMatmulDescCreate(void** description, int compute, int scale) {
    if (scale != 0) return INVALID;
    return *description = new Description{compute, {0, 0}}, OK;
}
int cublasLtMatmulDescDestroy(void* description) { return delete (Description*)description, OK; }
int cublasLtMatmulDescSetAttribute(void* description, int attribute, const void* value, size_t bytes) {
    if ((attribute != 3 && attribute != 4) || bytes != 4) return INVALID;
    return std::memcpy(&((Description*)description)->transposed[attribute - 3], value, 4), OK;
}
int cublasLtMatmulPreferenceCreate(void** preference) { return *preference = new Preference{0, {256, 256, 256, 256}}, OK; }
int cublasLtMatmulPreferenceDestroy(void* preference) { return delete (Preference*)preference, OK; }
int cublasLtMatmulPreferenceSetAttribute(void* preference, int attribute, const void* value, size_t bytes) {
    Preference* of = (Preference*)preference;
    if (attribute == 1 && bytes == 8) return std::memcpy(&of->workspace, value, 8), OK;
    if (bytes != 4) return INVALID;
    uint32_t number;
    std::memcpy(&number, value, 4);
    if (attribute == 3) return number & 1 ? broken("partial sums may be joined in any order") : void(), OK;
    if (attribute < 5 || attribute > 8) return INVALID;
    return of->alignments[attribute - 5] = number, OK;
}
int cublasLtMatmulAlgoGetHeuristic(void*, void*, void* a, void* b, void*, void*, void* preference, int most, Found* found, int* count) {
    const Preference* of = (const Preference*)preference;
    // As a real one may, it has no algorithm for the smallest of products.
    const bool is_none = most < 1 || of->workspace < LT_WORKSPACE || (((Layout*)a)->rows == 1 && ((Layout*)b)->columns == 1);
    *count = !is_none;
    if (is_none) return NOT_SUPPORTED;
    std::memset(found, 0, sizeof *found);
    found->algorithm.number = OFFERED;
    std::memcpy(found->algorithm.alignments, of->alignments, sizeof of->alignments);
    return found->workspace = LT_WORKSPACE, OK;
}
int cublasLtMatmul(void*, void* description, const float* alpha, const void* a, void* a_layout, const void* b, void* b_layout,
                   const float* beta, const void* c, void*, void* d, void* d_layout, const Algorithm* algorithm, void* workspace,
                   size_t bytes, void* stream) {
    const Description of = *(Description*)description;
    const Layout left = *(Layout*)a_layout, right = *(Layout*)b_layout, out = *(Layout*)d_layout;
    const uint64_t addresses[4] = {(uint64_t)a, (uint64_t)b, (uint64_t)c, (uint64_t)d};
    if (algorithm->number != OFFERED || bytes < LT_WORKSPACE) broken("an algorithm that cuBLASLt did not offer");
    for (int i = 0; i < 4; i++) {
        if (addresses[i] % algorithm->alignments[i]) broken("an address is aligned worse than was said");
    }
    if (*alpha != 1.0f || *beta != 0.0f) broken("numbers that nobody needs");
    const uint64_t depth = of.transposed[0] ? left.rows : left.columns;
    const bool fits = depth == (of.transposed[1] ? right.columns : right.rows) && out.rows == (of.transposed[0] ? left.columns : left.rows)
        && out.columns == (of.transposed[1] ? right.rows : right.columns);
    if (!fits) broken("matrices whose sizes do not fit each other");
    const float* x = (const float*)given(left.bytes(), a, "a matrix past the end of the device's memory");
    const float* y = (const float*)given(right.bytes(), b, "a matrix past the end of the device's memory");
    float* to = (float*)given(out.bytes(), d, "a matrix past the end of the device's memory");
    return put_in(stream, [=] {
        use(workspace, bytes);
        for (uint64_t n = 0; n < out.columns; n++) {
            for (uint64_t m = 0; m < out.rows; m++) {
                double sum = 0;
                for (uint64_t k = 0; k < depth; k++) {
                    const float first = of.transposed[0] ? x[m * left.apart + k] : x[k * left.apart + m];
                    sum += (double)first * (of.transposed[1] ? y[k * right.apart + n] : y[n * right.apart + k]);
                }
                to[n * out.apart + m] = (float)sum;
            }
        }
    });
}

// ---- cuDNN

}  // extern "C"

namespace {

struct Image {
    int sizes[4], strides[4];
    size_t elements() const {
        size_t last = 0;
        for (int axis = 0; axis < 4; axis++) last += (size_t)(sizes[axis] - 1) * strides[axis];
        return last + 1;
    }
    size_t at(int n, int c, int y, int x) const {
        return (size_t)n * strides[0] + (size_t)c * strides[1] + (size_t)y * strides[2] + (size_t)x * strides[3];
    }
};
struct Filter {
    int sizes[4];
    size_t elements() const { return (size_t)sizes[0] * sizes[1] * sizes[2] * sizes[3]; }
};
struct Window {
    int pad[2], stride[2], dilation[2], groups, math;
};
struct Offer {
    int algorithm, status;
    float time;
    size_t memory;
    int determinism, math, reserved[3];
};
constexpr size_t DNN_WORKSPACE = 4000;
constexpr int TAKEN = 1;

int offers(int fourier, int most, int* count, Offer* offers) {
    const Offer all[3] = {{0, 0, 1.0f, 0, 0, 0, {}}, {fourier, 0, 2.0f, 0, 1, 0, {}}, {TAKEN, 0, 3.0f, DNN_WORKSPACE, 1, 3, {}}};
    for (*count = 0; *count < most && *count < 3; ++*count) offers[*count] = all[*count];
    return OK;
}

enum Part { X, WEIGHT, Y };

// Every product of the convolution adds to one element of the part that is asked for.
int convolve(void* handle, Part part, const Image& image, void* x, const Filter& filter, void* w, const Window& window, const Image& after,
             void* y, int algorithm, void* workspace, size_t bytes, const float* alpha, const float* beta) {
    if (algorithm != TAKEN || bytes < DNN_WORKSPACE) broken("an algorithm of cuDNN's that may not be taken");
    if (*alpha != 1.0f || *beta != 0.0f) broken("numbers that nobody needs");
    bool fits = image.sizes[0] == after.sizes[0] && image.sizes[1] == filter.sizes[1] * window.groups && after.sizes[1] == filter.sizes[0];
    for (int axis = 0; axis < 2; axis++) {
        const int room = image.sizes[2 + axis] + 2 * window.pad[axis] - window.dilation[axis] * (filter.sizes[2 + axis] - 1) - 1;
        fits = fits && after.sizes[2 + axis] == room / window.stride[axis] + 1;
    }
    if (!fits) broken("a convolution whose sizes do not fit each other");
    const size_t counts[3] = {image.elements(), filter.elements(), after.elements()};
    float* all[3] = {(float*)x, (float*)w, (float*)y};
    for (int i = 0; i < 3; i++) given(4 * counts[i], all[i], "a tensor past the end of the device's memory");
    float *const of_x = all[0], *const of_w = all[1], *const of_y = all[2];
    return put_in(*(void**)handle, [=] {
        use(workspace, bytes);
        std::vector<double> sums(counts[part], 0.0);
        const int outs = filter.sizes[0] / window.groups;
        for (int n = 0; n < after.sizes[0]; n++)
        for (int k = 0; k < filter.sizes[0]; k++)
        for (int c = 0; c < filter.sizes[1]; c++)
        for (int i = 0; i < after.sizes[2]; i++)
        for (int j = 0; j < after.sizes[3]; j++)
        for (int u = 0; u < filter.sizes[2]; u++)
        for (int v = 0; v < filter.sizes[3]; v++) {
            const int row = i * window.stride[0] - window.pad[0] + u * window.dilation[0];
            const int column = j * window.stride[1] - window.pad[1] + v * window.dilation[1];
            if (row < 0 || column < 0 || row >= image.sizes[2] || column >= image.sizes[3]) continue;
            const size_t at_x = image.at(n, k / outs * filter.sizes[1] + c, row, column), at_y = after.at(n, k, i, j);
            const size_t at_w = ((size_t)(k * filter.sizes[1] + c) * filter.sizes[2] + u) * filter.sizes[3] + v;
            if (part == X) sums[at_x] += (double)of_w[at_w] * of_y[at_y];
            if (part == WEIGHT) sums[at_w] += (double)of_x[at_x] * of_y[at_y];
            if (part == Y) sums[at_y] += (double)of_x[at_x] * of_w[at_w];
        }
        if (part == WEIGHT) {
            for (size_t at = 0; at < counts[1]; at++) of_w[at] = (float)sums[at];
            return;
        }
        const Image& result = part == X ? image : after;
        for (int n = 0; n < result.sizes[0]; n++)
        for (int c = 0; c < result.sizes[1]; c++)
        for (int i = 0; i < result.sizes[2]; i++)
        for (int j = 0; j < result.sizes[3]; j++) {
            const size_t at = result.at(n, c, i, j);
            (part == X ? of_x : of_y)[at] = (float)sums[at];
        }
    });
}

}  // namespace

extern "C" {

size_t cudnnGetVersion() { return 91002; }
size_t cudnnGetCudartVersion() { return 13000; }
int cudnnCreate(void** handle) { return *handle = new void*(nullptr), OK; }
int cudnnDestroy(void* handle) { return delete (void**)handle, OK; }
int cudnnSetStream(void* handle, void* stream) { return *(void**)handle = stream, OK; }
int cudnnCreateTensorDescriptor(void** image) { return *image = new Image{}, OK; }
int cudnnDestroyTensorDescriptor(void* image) { return delete (Image*)image, OK; }
int cudnnSetTensor4dDescriptorEx(void* image, int type, int n, int c, int h, int w, int ns, int cs, int hs, int ws) {
    if (type != 0) return INVALID;
    return *(Image*)image = Image{{n, c, h, w}, {ns, cs, hs, ws}}, OK;
}
int cudnnCreateFilterDescriptor(void** filter) { return *filter = new Filter{}, OK; }
int cudnnDestroyFilterDescriptor(void* filter) { return delete (Filter*)filter, OK; }
int cudnnSetFilter4dDescriptor(void* filter, int type, int format, int k, int c, int h, int w) {
    if (type != 0 || format != 0) return INVALID;
    return *(Filter*)filter = Filter{{k, c, h, w}}, OK;
}
int cudnnCreateConvolutionDescriptor(void** window) { return *window = new Window{}, OK; }
int cudnnDestroyConvolutionDescriptor(void* window) { return delete (Window*)window, OK; }
int cudnnSetConvolution2dDescriptor(void* window, int pad_h, int pad_w, int u, int v, int tall, int wide, int mode, int type) {
    if (mode != 1 || type != 0) return INVALID;
    return *(Window*)window = Window{{pad_h, pad_w}, {u, v}, {tall, wide}, 1, 0}, OK;
}
int cudnnSetConvolutionGroupCount(void* window, int groups) { return ((Window*)window)->groups = groups, OK; }
int cudnnSetConvolutionMathType(void* window, int math) { return ((Window*)window)->math = math, OK; }

int cudnnGetConvolutionForwardAlgorithm_v7(void*, void*, void*, void*, void*, int most, int* count, Offer* to) {
    return offers(4, most, count, to);
}
int cudnnGetConvolutionBackwardDataAlgorithm_v7(void*, void*, void*, void*, void*, int most, int* count, Offer* to) {
    return offers(2, most, count, to);
}
int cudnnGetConvolutionBackwardFilterAlgorithm_v7(void*, void*, void*, void*, void*, int most, int* count, Offer* to) {
    return offers(2, most, count, to);
}
int cudnnGetConvolutionForwardWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) { return *bytes = DNN_WORKSPACE, OK; }
int cudnnGetConvolutionBackwardDataWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) {
    return *bytes = DNN_WORKSPACE, OK;
}
int cudnnGetConvolutionBackwardFilterWorkspaceSize(void*, void*, void*, void*, void*, int, size_t* bytes) {
    return *bytes = DNN_WORKSPACE, OK;
}

int cudnnConvolutionForward(void* handle, const float* alpha, void* x_of, void* x, void* w_of, void* w, void* window, int algorithm,
                            void* workspace, size_t bytes, const float* beta, void* y_of, void* y) {
    return convolve(handle, Y, *(Image*)x_of, x, *(Filter*)w_of, w, *(Window*)window, *(Image*)y_of, y, algorithm, workspace, bytes, alpha, beta);
}
int cudnnConvolutionBackwardData(void* handle, const float* alpha, void* w_of, void* w, void* y_of, void* y, void* window, int algorithm,
                                 void* workspace, size_t bytes, const float* beta, void* x_of, void* x) {
    return convolve(handle, X, *(Image*)x_of, x, *(Filter*)w_of, w, *(Window*)window, *(Image*)y_of, y, algorithm, workspace, bytes, alpha, beta);
}
int cudnnConvolutionBackwardFilter(void* handle, const float* alpha, void* x_of, void* x, void* y_of, void* y, void* window, int algorithm,
                                   void* workspace, size_t bytes, const float* beta, void* w_of, void* w) {
    return convolve(handle, WEIGHT, *(Image*)x_of, x, *(Filter*)w_of, w, *(Window*)window, *(Image*)y_of, y, algorithm, workspace, bytes, alpha, beta);
}

}  // extern "C"
