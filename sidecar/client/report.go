package client

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

const reportEvery = time.Minute

// reporter tells that requests go on without a snapshot: the hook of each, the log once in a while, since whoever reads it needs to know
// it once.
type reporter struct {
	log    *slog.Logger
	hook   func(error)
	unsaid atomic.Int64 // failures since the last line
	next   atomic.Int64 // when the log is told again, since epoch; 0: it was never told
}

func (r *reporter) report(ctx context.Context, err error) {
	if r.hook != nil {
		r.hook(err)
	}
	r.unsaid.Add(1)
	now, next := sinceEpoch(), r.next.Load()
	if next != 0 && now < next || !r.next.CompareAndSwap(next, now+int64(reportEvery)) {
		return
	}
	log := r.log
	if log == nil {
		log = slog.Default()
	}
	log.WarnContext(ctx, "requests go on without a snapshot of the flags", "error", err, "requests", r.unsaid.Swap(0))
}
