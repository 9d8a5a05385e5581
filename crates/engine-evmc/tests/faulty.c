/* An EVMC library that does one thing, right or wrong. Compiled with one -D each. The declarations are written down here a second time,
   so that those in Rust have a witness. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct { uint8_t bytes[32]; } word;
typedef struct { uint8_t bytes[20]; } address;

struct message {
    int kind; uint32_t flags; int32_t depth; int64_t gas;
    address recipient, sender;
    const uint8_t *input; size_t input_size;
    word value, salt;
    address code_address;
    const uint8_t *code; size_t code_size;
};

struct result {
    int status; int64_t gas_left, gas_refund;
    const uint8_t *output; size_t output_size;
    void (*release)(const struct result *);
    address created; uint8_t padding[4];
};

struct surroundings {
    word gas_price; address origin, coinbase;
    int64_t number, timestamp, gas_limit;
    word randao, chain_id, base_fee, blob_base_fee;
    const word *blob_hashes; size_t blob_hashes_count;
    const void *initcodes; size_t initcodes_count;
};

struct host {
    bool (*account_exists)(void *, const address *);
    word (*get_storage)(void *, const address *, const word *);
    int (*set_storage)(void *, const address *, const word *, const word *);
    word (*get_balance)(void *, const address *);
    size_t (*get_code_size)(void *, const address *);
    word (*get_code_hash)(void *, const address *);
    size_t (*copy_code)(void *, const address *, size_t, uint8_t *, size_t);
    bool (*selfdestruct)(void *, const address *, const address *);
    struct result (*call)(void *, const struct message *);
    struct surroundings (*get_tx_context)(void *);
    word (*get_block_hash)(void *, int64_t);
    void (*emit_log)(void *, const address *, const uint8_t *, size_t, const word *, size_t);
    int (*access_account)(void *, const address *);
    int (*access_storage)(void *, const address *, const word *);
    word (*get_transient)(void *, const address *, const word *);
    void (*set_transient)(void *, const address *, const word *, const word *);
};

struct vm {
    int abi_version; const char *name, *version;
    void (*destroy)(struct vm *);
    struct result (*execute)(struct vm *, const struct host *, void *, int, const struct message *, const uint8_t *, size_t);
    uint32_t (*get_capabilities)(struct vm *);
    int (*set_option)(struct vm *, const char *, const char *);
};

static void destroy(struct vm *vm) { free(vm); }

#ifdef OVERFLOW
static volatile int depth;
static int overflow(int n) { volatile char room[1 << 16]; room[0] = (char)n; depth = n; return overflow(n + 1) + room[0]; }
#endif

#ifdef ASKS
/* Asks for everything once; the output says what of it is not as it should be, by number. */
static uint8_t wrong[64];
static size_t wrongs;
#define EXPECT(number, condition) if (!(condition)) wrong[wrongs++] = (number)
static word small(uint8_t last) { word w = {{0}}; w.bytes[31] = last; return w; }
static bool is(word w, uint8_t last) { word s = small(last); return memcmp(&w, &s, 32) == 0; }

static struct result ask(const struct host *host, void *context, int revision, const struct message *m, const uint8_t *code, size_t size)
{
    address nobody = {{0x99}};
    struct surroundings around = host->get_tx_context(context);
    wrongs = 0;
    EXPECT(1, revision == 12);
    EXPECT(2, m->kind == 0 && m->flags == 0 && m->depth == 0 && m->gas > 0);
    EXPECT(3, m->input_size == 2 && m->input[0] == 0xaa && is(m->value, 5));
    EXPECT(4, m->recipient.bytes[0] == 0x22 && m->code_address.bytes[0] == 0x22 && m->sender.bytes[0] == 0x11);
    EXPECT(5, size == 3 && code[0] == 0xfe);
    EXPECT(6, around.number == 1000 && around.timestamp == 2000 && around.gas_limit == 30000000);
    EXPECT(7, around.origin.bytes[0] == 0x11 && around.coinbase.bytes[0] == 0x33 && is(around.gas_price, 7));
    EXPECT(8, is(around.randao, 9) && is(around.chain_id, 1) && is(around.base_fee, 7) && is(around.blob_base_fee, 1));
    EXPECT(9, around.blob_hashes_count == 0 && around.initcodes_count == 0);
    EXPECT(10, host->account_exists(context, &m->recipient) && !host->account_exists(context, &nobody));
    word one = small(1), two = small(2), key = small(3);
    EXPECT(11, is(host->get_storage(context, &m->recipient, &key), 0));
    /* What is only read stays cold. */
    EXPECT(12, host->access_storage(context, &m->recipient, &key) == 0 && host->access_storage(context, &m->recipient, &key) == 1);
    EXPECT(13, host->set_storage(context, &m->recipient, &key, &one) == 1);
    EXPECT(14, host->set_storage(context, &m->recipient, &key, &two) == 0 && is(host->get_storage(context, &m->recipient, &key), 2));
    EXPECT(15, is(host->get_balance(context, &m->recipient), 5));
    EXPECT(16, host->get_code_size(context, &m->recipient) == 3 && host->get_code_size(context, &nobody) == 0);
    EXPECT(17, is(host->get_code_hash(context, &nobody), 0) && !is(host->get_code_hash(context, &m->recipient), 0));
    uint8_t buffer[8] = {0};
    EXPECT(18, host->copy_code(context, &m->recipient, 1, buffer, 8) == 2 && buffer[0] == 0xfd);
    EXPECT(19, host->copy_code(context, &m->recipient, SIZE_MAX, buffer, 8) == 0);
    EXPECT(20, is(host->get_block_hash(context, 1000), 0) && is(host->get_block_hash(context, -1), 0));
    EXPECT(21, host->access_account(context, &nobody) == 0 && host->access_account(context, &nobody) == 1);
    host->set_transient(context, &m->recipient, &key, &one);
    EXPECT(22, is(host->get_transient(context, &m->recipient, &key), 1) && is(host->get_transient(context, &m->recipient, &one), 0));
    word topics[4] = {one, two, key, one};
    host->emit_log(context, &m->recipient, m->input, m->input_size, topics, 4);
    host->emit_log(context, &m->recipient, NULL, 0, NULL, 0);
    /* To an account without code. */
    struct message sent = {0};
    sent.gas = 1000; sent.depth = 1; sent.sender = m->recipient; sent.recipient = sent.code_address = nobody; sent.value = one;
    struct result answer = host->call(context, &sent);
    EXPECT(23, answer.status == 0 && answer.gas_left == 1000 && answer.output_size == 0);
    if (answer.release) answer.release(&answer);
    /* Of init code that is STOP. */
    struct message creation = {0};
    uint8_t stop = 0;
    creation.kind = 3; creation.gas = 50000; creation.depth = 1; creation.sender = m->recipient;
    creation.input = &stop; creation.input_size = 1;
    answer = host->call(context, &creation);
    address none = {{0}};
    EXPECT(24, answer.status == 0 && answer.gas_left == 49000 && memcmp(&answer.created, &none, 20) != 0);
    if (answer.release) answer.release(&answer);
    EXPECT(25, host->selfdestruct(context, &m->recipient, &nobody) && is(host->get_balance(context, &m->recipient), 0));
    struct result result = {0, m->gas - 1000, 300, wrong, wrongs, NULL, {{0}}, {0}};
    return result;
}
#endif

static struct result execute(struct vm *vm, const struct host *host, void *context, int revision, const struct message *m, const uint8_t *code, size_t size)
{
    struct result result = {0, m->gas, 0, NULL, 0, NULL, {{0}}, {0}};
    (void)vm; (void)host; (void)context; (void)revision; (void)code; (void)size;
    if (m->depth > 0) { result.gas_left -= 1000; return result; }
#if defined(ASKS)
    return ask(host, context, revision, m, code, size);
#elif defined(CRASHES)
    fprintf(stderr, "about to fall\n");
    *(volatile int *)0 = 1;
#elif defined(ABORTS)
    abort();
#elif defined(EXITS)
    exit(3);
#elif defined(OVERFLOW)
    overflow(0);
#elif defined(HANGS)
    if (getenv("HANG_FIFO")) { FILE *file = fopen(getenv("HANG_FIFO"), "w"); fputc('x', file); fflush(file); }
    for (;;) {}
#elif defined(STATUS)
    result.status = STATUS; result.gas_left = 0;
#elif defined(GAINS)
    result.gas_left = m->gas + 1;
#elif defined(KEEPS)
    result.status = 3;
#elif defined(REFUNDS)
    result.status = 2; result.gas_refund = 1;
#elif defined(TOPICS)
    word topics[5]; memset(topics, 0, sizeof topics);
    host->emit_log(context, &m->recipient, NULL, 0, topics, 5);
#elif defined(DEBT)
    struct message sent = {0};
    sent.gas = -1; host->call(context, &sent);
#elif defined(KIND)
    struct message sent = {0};
    sent.kind = 5; host->call(context, &sent);
#elif defined(SENDS)
    /* To an account, as one that is not known to delegate. */
    struct message sent = {0};
    sent.gas = 5000; sent.depth = 1; sent.sender = m->recipient;
    memset(sent.recipient.bytes, 0x44, 20);
    sent.code_address = sent.recipient;
    host->call(context, &sent);
#elif defined(GARBAGE)
    if (write(0, "this is no answer at all", 24) < 0) abort();
#elif defined(TALKS)
    printf("to standard output\n"); fflush(stdout);
#endif
    return result;
}

static uint32_t get_capabilities(struct vm *vm)
{
    (void)vm;
#ifdef WASM
    return 2;
#else
    return 1;
#endif
}

static int set_option(struct vm *vm, const char *name, const char *value)
{
    (void)vm;
    if (strcmp(name, "known") != 0) return 1;
    return strcmp(value, "good") == 0 ? 0 : 2;
}

#ifdef FALLS_WHEN_LOADED
__attribute__((constructor)) static void fall(void) { abort(); }
#endif

#ifdef UNNAMED
struct vm *evmc_make(void)
#else
struct vm *evmc_create(void)
#endif
{
#ifdef EMPTY
    return NULL;
#else
    struct vm *vm = calloc(1, sizeof *vm);
    vm->abi_version = 12;
#ifdef ABI
    vm->abi_version = ABI;
#endif
    vm->name = "faulty"; vm->version = "1.0";
    vm->destroy = destroy; vm->execute = execute; vm->get_capabilities = get_capabilities; vm->set_option = set_option;
#ifdef PARTIAL
    vm->execute = NULL;
#endif
#ifdef PLAIN
    vm->set_option = NULL;
#endif
    return vm;
#endif
}
