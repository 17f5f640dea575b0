/* config_path.c - what connections do about paths. */
#include "connection/config_parts.h"

tern_error tern_config_set_rrc(tern_config *config, tern_rrc mode)
{
	TRY(config_settable(config));
	if (mode != TERN_RRC_OFF && mode != TERN_RRC_BASIC && mode != TERN_RRC_ENHANCED)
		return TERN_ERROR_USAGE;
	config->rrc = mode;
	return TERN_OK;
}

tern_error tern_config_set_pmtud(tern_config *config, bool on)
{
	TRY(config_settable(config));
	config->pmtud = on;
	return TERN_OK;
}
