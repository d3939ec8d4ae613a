"""Solve kriging systems: arrays in, arrays out.

Coordinates are already turned, so that covariance depends on distance alone.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gossan.arrays.compiled import compiled
from gossan.arrays.small_systems import factor, solve
from gossan.geochem.covariance.kernels import FAST, Packed, add_covariances
from gossan.geochem.covariance.systems import back, fill, whiten
from gossan.geochem.kriging.support import Support

FULL_SHARE = 0.75
"""Share of a fading neighbourhood's reach within which neighbours count in full."""


@compiled()
def _drift_multipliers(rhs, target, k, terms, g, mu):  # type: ignore[no-untyped-def]
    # solve (F' F) mu = F' c0 - f0 with whitened F = rhs[2:]; False where it is singular
    for a in range(terms):
        for b in range(a + 1):
            s = 0.0
            for i in range(k):
                s += rhs[2 + a, i] * rhs[2 + b, i]
            g[a, b] = s
        s = -target[a]
        for i in range(k):
            s += rhs[2 + a, i] * rhs[0, i]
        mu[a] = s
    if not factor(g, terms):
        return False
    solve(g, terms, mu)
    return True


@compiled(fastmath=FAST)
def _target_covariances(local, px, py, x, y, k, room, out):  # type: ignore[no-untyped-def]
    # mean covariance of each neighbour with the points of the target's support
    offsets, weights = local.support.offsets, local.support.weights
    h, part = room[0], room[1]
    out[:k] = 0.0
    for g in range(offsets.shape[0]):
        for i in range(k):
            dx = px[i] - x - offsets[g, 0]
            dy = py[i] - y - offsets[g, 1]
            h[i] = math.sqrt(dx * dx + dy * dy)
            part[i] = local.jump if h[i] == 0.0 else 0.0
        add_covariances(local.packed, h, k, part)
        for i in range(k):
            out[i] += weights[g] * part[i]


@compiled(fastmath=FAST)
def _drift_rows(px, py, x, y, k, terms, scale, rhs):  # type: ignore[no-untyped-def]
    # 1, dx, dy, dx^2, dx dy, dy^2 about the target, in units of scale
    for i in range(k):
        if terms > 0:
            rhs[2, i] = 1.0
        if terms > 1:
            dx = (px[i] - x) * scale
            dy = (py[i] - y) * scale
            rhs[3, i] = dx
            rhs[4, i] = dy
            if terms > 3:
                rhs[5, i] = dx * dx
                rhs[6, i] = dx * dy
                rhs[7, i] = dy * dy


@compiled(fastmath=FAST)
def _drift_target(offsets, weights, terms, scale, f):  # type: ignore[no-untyped-def]
    f[:] = 0.0
    if terms > 0:
        f[0] = 1.0
    if terms > 3:
        for g in range(offsets.shape[0]):
            dx = offsets[g, 0] * scale
            dy = offsets[g, 1] * scale
            f[3] += weights[g] * dx * dx
            f[4] += weights[g] * dx * dy
            f[5] += weights[g] * dy * dy


@compiled(fastmath=FAST)
def _estimate(rhs, f, k, terms, g, mu):  # type: ignore[no-untyped-def]
    # estimate and variance less the target's own; leaves L^-1 K w in rhs[0]
    variance = 0.0
    for i in range(k):
        variance -= rhs[0, i] * rhs[0, i]
    if terms > 0:
        if not _drift_multipliers(rhs, f, k, terms, g, mu):
            rhs[0, :k] = np.nan
            return np.nan, np.nan
        for a in range(terms):
            gain = -f[a]
            for i in range(k):
                gain += rhs[2 + a, i] * rhs[0, i]
            variance += mu[a] * gain
        for a in range(terms):
            for i in range(k):
                rhs[0, i] -= mu[a] * rhs[2 + a, i]
    estimate = 0.0
    for i in range(k):
        estimate += rhs[0, i] * rhs[1, i]
    return estimate, variance


class LocalKriging(NamedTuple):
    """What all targets of a local kriging share.

    ``xy`` (n, 2), ``z`` and ``noise`` (n,) of the samples; ``terms`` is the number of drift
    functions (0 simple, 1 ordinary, 3 linear, 6 quadratic); ``jump`` the covariance added where
    a support point and a sample coincide; ``support`` the points of a target's support, their
    weights and its own variance. With ``fade`` the last neighbour only says how far the
    neighbourhood reaches, at most ``radius``.
    """

    xy: NDArray[np.float64]
    z: NDArray[np.float64]
    noise: NDArray[np.float64]
    packed: Packed
    jump: float
    terms: int
    fewest: int
    support: Support
    fade: bool
    radius: float


@compiled(inline="always")
def _fading(distance, reach, sill):  # type: ignore[no-untyped-def]
    """Error variance of a neighbour at a distance: 0 well inside, without bound at the reach."""
    inside = (distance / reach - FULL_SHARE) / (1.0 - FULL_SHARE)
    if inside <= 0.0:
        return 0.0
    odds = inside / max(1.0 - inside, 1e-6)
    return sill * odds * odds


@compiled()
def _reach(local, x, y, nearest):  # type: ignore[no-untyped-def]
    """How many neighbours count, and the distance at which their influence ends (inf: none)."""
    most = nearest.shape[0] - 1 if local.fade else nearest.shape[0]
    if not local.fade:
        return most, np.inf
    j = nearest[most]
    if j < 0:
        return most, local.radius
    return most, math.hypot(local.xy[j, 0] - x, local.xy[j, 1] - y)


@compiled(fastmath=FAST)
def krige_local(local, targets, nearest, out):  # type: ignore[no-untyped-def]
    """Krige each target (turned coordinates, (t, 2)) from its own neighbours.

    ``local`` is a ``LocalKriging``; ``nearest`` (t, k) holds indices of samples, -1 where a
    neighbourhood has fewer. Fills ``out`` (2 or 3, t): estimate, variance and the effective
    number of samples; NaN where there are fewer than ``fewest`` neighbours or the drift cannot
    be estimated from them.
    """
    packed, terms = local.packed, local.terms
    offsets, weights = local.support.offsets, local.support.weights
    most = nearest.shape[1]
    size = most * (most + 1) // 2
    c, h = np.empty(size), np.empty(max(size, most))
    system = np.empty((most, most + 2 + terms))
    rhs = np.empty((2 + terms, most))
    px, py, e, room = np.empty(most), np.empty(most), np.empty(most), np.empty((2, most))
    g, mu, f = np.empty((6, 6)), np.empty(6), np.zeros(6)
    sill = packed.sill
    for t in range(targets.shape[0]):
        x, y = targets[t, 0], targets[t, 1]
        k = 0
        farthest = 0.0
        used, reach = _reach(local, x, y, nearest[t])
        for i in range(used):
            j = nearest[t, i]
            if j < 0:
                break
            px[k], py[k], e[k] = local.xy[j, 0], local.xy[j, 1], local.noise[j]
            if reach < np.inf:
                e[k] += _fading(math.hypot(px[k] - x, py[k] - y), reach, sill + local.noise[j])
            rhs[1, k] = local.z[j]
            farthest = max(farthest, abs(px[k] - x) + abs(py[k] - y))
            k += 1
        if k < local.fewest:
            out[:, t] = np.nan
            continue
        scale = 1.0 / farthest if farthest > 0.0 else 1.0
        fill(px, py, e, k, packed, h, c, system)
        _target_covariances(local, px, py, x, y, k, room, rhs[0])
        if terms > 0:
            _drift_rows(px, py, x, y, k, terms, scale, rhs)
            _drift_target(offsets, weights, terms, scale, f)
        whiten(system, rhs, k, 2 + terms)
        estimate, variance = _estimate(rhs, f, k, terms, g, mu)
        out[0, t] = estimate
        out[1, t] = max(local.support.variance + variance, 0.0) if variance == variance else np.nan
        if out.shape[0] > 2:
            row = rhs[0]
            back(system, row, k)
            total = 0.0
            for i in range(k):
                total += row[i] * row[i]
            out[2, t] = 1.0 / total if total != 0.0 else 0.0


@compiled(fastmath=FAST)
def dual_sum(xy, b, targets, packed, jump, offsets, weights, out):  # type: ignore[no-untyped-def]
    """Add the dual form ``sum_i b_i C(s_i, x)`` at targets (t, 2) to ``out`` (t,).

    Targets are taken in runs of neighbours; samples beyond the reach of a compact model from
    a whole run are passed over.
    """
    run = 64
    h, part, acc = np.empty(run), np.empty(run), np.empty(run)
    for start in range(0, targets.shape[0], run):
        m = min(run, targets.shape[0] - start)
        for g in range(offsets.shape[0]):
            ox, oy = offsets[g, 0], offsets[g, 1]
            left, right = np.inf, -np.inf
            low, high = np.inf, -np.inf
            for c in range(m):
                left = min(left, targets[start + c, 0])
                right = max(right, targets[start + c, 0])
                low = min(low, targets[start + c, 1])
                high = max(high, targets[start + c, 1])
            acc[:m] = 0.0
            for i in range(xy.shape[0]):
                sx, sy = xy[i, 0] - ox, xy[i, 1] - oy
                gap_x = max(max(left - sx, sx - right), 0.0)
                gap_y = max(max(low - sy, sy - high), 0.0)
                if gap_x * gap_x + gap_y * gap_y >= packed.reach * packed.reach:
                    continue
                for c in range(m):
                    dx = sx - targets[start + c, 0]
                    dy = sy - targets[start + c, 1]
                    h[c] = math.sqrt(dx * dx + dy * dy)
                    part[c] = 0.0
                add_covariances(packed, h, m, part)
                for c in range(m):
                    acc[c] += b[i] * part[c]
                if jump > 0.0:
                    for c in range(m):
                        if h[c] == 0.0:
                            acc[c] += b[i] * jump
            for c in range(m):
                out[start + c] += weights[g] * acc[c]
