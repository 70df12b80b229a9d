/* What is trained is the same to the last bit on all machines that have the instructions of an
 * engine, whatever compiled the program. */
#include <endian.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hash.h"
#include "stack.h"

#define STEPS 50

static uint64_t hash_of(const struct model *model)
{
    uint64_t hash = 0;
    for (size_t k = 0; k < model->params.size; k++) {
        uint32_t bits;
        memcpy(&bits, &model->weights[k], sizeof bits);
        bits = htole32(bits);
        hash = hash_bytes(hash, &bits, sizeof bits);
    }
    return hash;
}

/* Of the weights after some steps with dropout. */
static uint64_t train(const struct engine *engine, enum optim_kind kind)
{
    struct random random = {3, 0};
    struct stack stack;
    stack_init(&stack, engine, (struct shape){2, 33, 40, 7, 10, NULL}, 0.3, 1);
    stack.optimizer.optim.kind = kind;
    stack.optimizer.optim.weight_decay = 0.1;
    for (; stack.step < STEPS; stack.step++) {
        stack_draw(&stack, &random);
        stack_train(&stack);
    }
    const uint64_t hash = hash_of(&stack.model);
    stack_release(&stack);
    return hash;
}

/* Engines by their instructions. The portable one is made of those that every machine of its kind
 * has; AVX-512's begins divisions with estimates that each maker of processors tabulates in a way
 * of its own. */
static const struct {
    const char *name;
    uint64_t hashes[3]; /* Adam's, RMSProp's, SGD's */
} known[] = {
#if defined(__x86_64__) || defined(__i386__)
    {"baseline", {0x7f0ea3e5f0bec2f2, 0x31ddc25caaeb85e7, 0x3adfaf84af3145a0}},
    {"avx2", {0x49d2408a3581ad3c, 0xfc8a562a09bc7093, 0x6bdff6c01621d002}},
    {"avx512", {0xf2c2040c07b652d4, 0x4045352d8124d024, 0x49403feb6a833c48}},
    {"avx512_bf16", {0x448075a4c45d843a, 0x38144fd01959b078, 0x1eea229b0a8b4101}},
#elif defined(__aarch64__) || defined(__s390x__) /* which fuse products and sums */
    {"baseline", {0x329a8069619ed8b6, 0x94f74e08c504b353, 0xb265bdc79221f32a}},
#endif
    {"", {0}},
};

/* Whether its estimates, if it takes any, are those of the machine that the hashes are from. */
static bool has_estimates(const char *name)
{
#if defined(__x86_64__)
    return strncmp(name, "avx512", 6) != 0 || __builtin_cpu_is("amd");
#else
    (void)name;
    return true;
#endif
}

static void weights_are_the_same_everywhere(void **state)
{
    (void)state;
    for (size_t e = 0; known[e].name[0]; e++)
        for (int k = 0; engine_at(k); k++)
            if (strcmp(engine_at(k)->name, known[e].name) == 0 && has_estimates(known[e].name))
                for (int kind = OPTIM_ADAM; kind <= OPTIM_SGD; kind++) {
                    const uint64_t hash = train(engine_at(k), (enum optim_kind)kind);
                    if (hash != known[e].hashes[kind])
                        fail_msg("%s, %s: 0x%016" PRIx64, known[e].name, optim_names[kind], hash);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_the_same_everywhere),
    };
    return cmocka_run_group_tests_name("compilers", tests, NULL, NULL);
}
