#include "wire/ack.h"

#define NUMBER_LEN 16

bool get_ack(struct rd *r, struct rd *numbers)
{
	struct rd t = *r;
	struct span list;
	if (!(rd_span16(&t, &list) && list.n % NUMBER_LEN == 0 && rd_end(&t)))
		return false;
	*r = t;
	*numbers = rd_of(list);
	return true;
}

bool get_record_number(struct rd *numbers, struct record_number *out)
{
	struct rd t = *numbers;
	struct record_number v;
	if (!(rd_u64(&t, &v.epoch) && rd_u64(&t, &v.seq)))
		return false;
	*numbers = t;
	*out = v;
	return true;
}

void put_ack(struct wr *w, const struct record_number *numbers, size_t num)
{
	size_t mark = wr_open16(w);
	for (size_t i = 0; i < num; i++) {
		wr_u64(w, numbers[i].epoch);
		wr_u64(w, numbers[i].seq);
	}
	wr_close16(w, mark);
}
