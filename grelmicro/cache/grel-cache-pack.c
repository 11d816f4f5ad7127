/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#include "config.h"

#include <grelmicro/cache/grel-cache-backend-private.h>
#include <grelmicro/cache/grel-ttl-cache.h>

/**
 * grel_cache_pack:
 * @value: a value of any type; a floating reference is consumed
 *
 * Makes bytes of a value, to keep it in a cache. They are the same on every machine. May be called
 * from any thread.
 *
 * Returns: (transfer full): bytes for [func@Grelmicro.cache_unpack]
 *
 * Since: 0.1
 */
GBytes *
grel_cache_pack (GVariant *value)
{
  g_autoptr (GVariant) packed = NULL;

  g_return_val_if_fail (value != NULL, NULL);

  packed = g_variant_ref_sink (g_variant_new_variant (value));
  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (packed);

      g_variant_unref (packed);
      packed = swapped;
    }
  return g_variant_get_data_as_bytes (packed);
}

/**
 * grel_cache_unpack:
 * @bytes: what [func@Grelmicro.cache_pack] made
 * @error: return location for an error
 *
 * Makes a value again of the bytes that it was kept as. May be called from any thread.
 *
 * Sets %GREL_ERROR_BACKEND if @bytes are something else.
 *
 * Returns: (transfer full): the value
 *
 * Since: 0.1
 */
GVariant *
grel_cache_unpack (GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) packed = NULL;

  g_return_val_if_fail (bytes != NULL, NULL);

  packed = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  if (!g_variant_is_normal_form (packed))
    {
      g_propagate_error (error,
                         grel_error_new (GREL_ERROR_BACKEND, grel_cache_subject_for_key (NULL),
                                         "the bytes are no packed value"));
      return NULL;
    }

  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    {
      GVariant *swapped = g_variant_byteswap (packed);

      g_variant_unref (packed);
      packed = swapped;
    }
  return g_variant_get_variant (packed);
}
