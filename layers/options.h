#pragma once
/// What options of layers are made of.

#include <evenkeel/core/required.h>
#include <evenkeel/core/shape.h>
