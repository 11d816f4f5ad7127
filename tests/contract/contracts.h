/* SPDX-License-Identifier: MIT
 * SPDX-FileCopyrightText: grelmicro contributors
 */

#pragma once

#include "contract-cache.h"
#include "contract-circuit-breaker.h"
#include "contract-lock.h"
