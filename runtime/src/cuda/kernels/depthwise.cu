// Convolutions of many groups of few channels, depthwise ones above all: too few products an element to fill tiles.
// A thread computes an element of the result; neighbours read neighbouring elements, which the caches serve. Bound
// by memory.
//
// Sizes: as those of conv, conv_data and conv_weight.

// Which element of the result the thread computes.
template <class Sizes> struct ElementOf {
    typedef typename Sizes::Index Index;
    static constexpr Index places = (Index)Sizes::out_height * Sizes::out_width, plane = (Index)Sizes::height * Sizes::width;
    static constexpr Index channels = (Index)Sizes::groups * Sizes::out_channels;
    const Index i = (Index)blockIdx.x * blockDim.x + threadIdx.x;
    const Index channel = i / places % channels, place = i % places, group = channel / Sizes::out_channels;

    __device__ bool inside() const { return i < Sizes::images * channels * places; }
    // The first plane of x that it is made of.
    __device__ const float* image(const float* x) const {
        return x + i / (channels * places) * Sizes::image + group * Sizes::in_channels * plane;
    }
};

template <class Sizes, class Sink> __device__ void depthwise(const float* x, const float* weight, Sink sink) {
    typedef ElementOf<Sizes> Element;
    constexpr int area = Sizes::kernel_h * Sizes::kernel_w;
    const Element element;
    if (!element.inside()) return;
    const int y0 = (int)(element.place / Sizes::out_width) * Sizes::stride_h - Sizes::before_h;
    const int x0 = (int)(element.place % Sizes::out_width) * Sizes::stride_w - Sizes::before_w;
    const float* image = element.image(x);
    const float* weights = weight + element.channel * Sizes::in_channels * area;
    float sum = 0.0f;
    for (int c = 0; c < Sizes::in_channels; c++) {
        #pragma unroll
        for (int k = 0; k < area; k++) {
            const int y = y0 + k / Sizes::kernel_w * Sizes::dilation_h, x_ = x0 + k % Sizes::kernel_w * Sizes::dilation_w;
            if ((unsigned)y < (unsigned)Sizes::height && (unsigned)x_ < (unsigned)Sizes::width) {
                sum += image[c * Element::plane + y * Sizes::width + x_] * weights[c * area + k];
            }
        }
    }
    sink.store(element.i, sum);
}

template <class Sizes, class Sink> __device__ void depthwise_data(const float* x, const float* weight, Sink sink) {
    typedef ElementOf<Sizes> Element;
    constexpr int area = Sizes::kernel_h * Sizes::kernel_w;
    const Element element;
    if (!element.inside()) return;
    const int y0 = (int)(element.place / Sizes::out_width) + Sizes::before_h, x0 = (int)(element.place % Sizes::out_width) + Sizes::before_w;
    const float* image = element.image(x);
    const float* weights = weight + (element.group * Sizes::in_channels * Sizes::out_channels + element.channel % Sizes::out_channels) * area;
    float sum = 0.0f;
    for (int c = 0; c < Sizes::in_channels; c++) {
        #pragma unroll
        for (int k = 0; k < area; k++) {
            const int y = y0 - k / Sizes::kernel_w * Sizes::dilation_h, x_ = x0 - k % Sizes::kernel_w * Sizes::dilation_w;
            const bool reaches = y >= 0 && x_ >= 0 && y % Sizes::stride_h == 0 && x_ % Sizes::stride_w == 0
                && y / Sizes::stride_h < Sizes::height && x_ / Sizes::stride_w < Sizes::width;
            if (reaches) {
                sum += image[c * Element::plane + y / Sizes::stride_h * Sizes::width + x_ / Sizes::stride_w] * weights[c * Sizes::out_channels * area + k];
            }
        }
    }
    sink.store(element.i, sum);
}

// A block an element of the weight, its threads over the places of all images.
template <class Sizes, class Sink> __device__ void depthwise_weight(const float* x, const float* gradient, Sink sink) {
    typedef typename Sizes::Index Index;
    constexpr int area = Sizes::kernel_h * Sizes::kernel_w;
    constexpr Index places = (Index)Sizes::out_height * Sizes::out_width, plane = (Index)Sizes::height * Sizes::width;
    const Index i = blockIdx.x;
    const Index channel = i / (Sizes::in_channels * area), inner = i / area % Sizes::in_channels;
    const Index from = channel / Sizes::out_channels * Sizes::in_channels + inner;
    const int window = (int)(i % area);
    const int y0 = window / Sizes::kernel_w * Sizes::dilation_h - Sizes::before_h, x0 = window % Sizes::kernel_w * Sizes::dilation_w - Sizes::before_w;
    float sum = 0.0f;
    for (Index k = threadIdx.x; k < Sizes::images * places; k += blockDim.x) {
        const Index image = k / places, place = k % places;
        const int y = (int)(place / Sizes::out_width) * Sizes::stride_h + y0, x_ = (int)(place % Sizes::out_width) * Sizes::stride_w + x0;
        if ((unsigned)y < (unsigned)Sizes::height && (unsigned)x_ < (unsigned)Sizes::width) {
            sum += x[image * Sizes::image + from * plane + y * Sizes::width + x_] * gradient[image * Sizes::gradient + channel * places + place];
        }
    }
    sum = joined<Sum>(sum);
    if (threadIdx.x == 0) sink.store(i, sum);
}
