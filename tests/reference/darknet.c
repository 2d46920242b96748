/* What Darknet makes of a cfg: weights that it saves, and what its layers answer on an input. `darknet.py` compiles and runs it.

   darknet CFG shapes                 a line for each layer: its number, channels, height, width, numbers
   darknet CFG answers FOLDER         draws weights and an input, and writes `net.weights`, `input`, and `output0`, `output1`,
                                      ..., the numbers of each layer, as float32 */

#include "darknet.h"
#include "parser.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* AlexeyAB's Darknet hands networks over whole. */
#ifdef ALEXEYAB
#define WHOLE(net) (*(net))
static network made;
static network *parsed(char *cfg)
{
    made = parse_network_cfg(cfg);
    return &made;
}
#else
#define WHOLE(net) (net)
#define parsed parse_network_cfg
#endif

static unsigned long long state = 88172645463325252ULL;

/* A number from `low` to `high`. */
static float drawn(float low, float high)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return low + (high - low) * (float)((state >> 40) / 16777216.0);
}

static void fill(float *numbers, long count, float low, float high)
{
    long i;
    if (!numbers) return;
    for (i = 0; i < count; ++i) numbers[i] = drawn(low, high);
}

/* Weights of a layer, by which numbers stay as large as they are; variances lie near 0 too, where what is added to their
   roots counts. */
static void draw(layer l)
{
    long i, units = l.type == CONNECTED ? l.outputs : l.type == BATCHNORM ? l.c : l.n;
    long weights = l.type == CONNECTED ? (long)l.outputs * l.inputs : l.nweights;
    if (l.type != CONNECTED && l.type != CONVOLUTIONAL && l.type != DECONVOLUTIONAL && l.type != BATCHNORM) return;
    if (l.type != BATCHNORM) {
        float range = sqrt(3. * units / weights);
        fill(l.weights, weights, -range, range);
        fill(l.biases, units, -.5, .5);
    }
    fill(l.scales, units, .5, 1.5);
    fill(l.rolling_mean, units, -.5, .5);
    for (i = 0; l.rolling_variance && i < units; ++i) {
        float root = i % 4 ? drawn(.3, 2) : drawn(.0001, .001);
        l.rolling_variance[i] = root * root;
        if (i % 4 == 0) l.scales[i] *= root;
    }
}

static void save(const char *folder, const char *name, float *numbers, long count)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    fwrite(numbers, sizeof(float), count, file);
    fclose(file);
}

int main(int count, char **arguments)
{
    int i;
    network *net = parsed(arguments[1]);
    if (count == 3) {
        for (i = 0; i < net->n; ++i) {
            layer l = net->layers[i];
            printf("%d %d %d %d %d\n", i, l.out_c, l.out_h, l.out_w, l.outputs);
        }
        return 0;
    }
    char name[64];
    char path[4096];
    float *input = calloc(net->inputs, sizeof(float));
    set_batch_network(net, 1);
    for (i = 0; i < net->n; ++i) {
        layer *l = net->layers + i;
        draw(*l);
        /* On a CPU Darknet has no room for what a batch norm by itself keeps for its gradient. */
        if (l->type == BATCHNORM) l->x = calloc(l->outputs, sizeof(float));
    }
    snprintf(path, sizeof path, "%s/net.weights", arguments[3]);
    *net->seen = 1234;
    save_weights(WHOLE(net), path);
    fill(input, net->inputs, -1, 1);
    save(arguments[3], "input", input, net->inputs);
    network_predict(WHOLE(net), input);
    for (i = 0; i < net->n; ++i) {
        snprintf(name, sizeof name, "output%d", i);
        save(arguments[3], name, net->layers[i].output, net->layers[i].outputs);
    }
    return 0;
}
