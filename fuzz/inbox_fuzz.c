/* The inbox against its naive twin: six bytes of input are one operation. */
#include "unit/inbox_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint32_t lengths[8] = {0, 1, 2, 5, 16, 100, 300, MODEL_MAX};

static uint32_t scale(uint8_t byte, uint32_t most)
{
	return most < 256 ? byte % (most + 1) : byte * most / 255;
}

static void operate(struct model *model, struct inbox *in, struct count_heap *h, const uint8_t *op, uint8_t *datagram)
{
	/* Mostly the length that goes with the number, and any offset and end, beyond it too. */
	struct fragment f = {.type = op[0] & 0x10 ? CERTIFICATE : FINISHED};
	f.message_seq = (uint16_t)(model->next + (op[1] & 15) - 1);
	f.length = lengths[op[0] & 0x20 ? op[5] & 7 : (f.message_seq + op[1] / 128) & 7];
	f.offset = scale(op[2], f.length + (op[0] & 0x40 ? 3 : 0));
	f.body = span_of(datagram, scale(op[3], f.offset < f.length ? f.length - f.offset : 2));
	memset(datagram, op[4], f.body.n);
	for (size_t i = 0; i < f.body.n; i++)
		datagram[i] = (uint8_t)(datagram[i] + i);
	model_put(model, in, h, &f, op[0] >> 7);
	switch (op[0] & 3) {
	case 0:
		model_keep(model, in, h, datagram, MODEL_MAX);
		break;
	case 1:
		model_discard(model, in);
		break;
	default:
		model_done(model, in);
	}
	if (in->has_view)
		model_keep(model, in, h, datagram, MODEL_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct model model;
	uint8_t datagram[MODEL_MAX];
	struct count_heap h = {0};
	tern_allocator heap = count_heap_allocator(&h);
	struct inbox in;
	if (n < 2)
		return 0;
	model = (struct model){.next = data[0]};
	inbox_init(&in, &heap, data[0], 256u * data[1], 300);
	for (size_t at = 2; at + 6 <= n; at += 6)
		operate(&model, &in, &h, data + at, datagram);
	inbox_free(&in);
	CHECK(h.live == 0 && h.blocks == 0);
	return 0;
}
