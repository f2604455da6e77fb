// Package sidecar is the daemon that stands in every pod: it keeps one immutable state of the flags current, from a store or a file,
// and answers evaluations from it over a Unix socket and loopback TCP. An evaluation reads one atomic pointer; it waits for no
// network, no disk and no lock.
package sidecar

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/pull"
)

// shutdownWait is how long running requests may take to end.
const shutdownWait = 5 * time.Second

// Sidecar is one daemon. Make it with New.
type Sidecar struct {
	config    Config
	holder    *holder
	freshness *freshness
	clock     *clock
	pins      *pins
	keeper    *keeper    // nil where nothing is kept on disk
	loop      *pull.Loop // nil in development
	bench     *workbench // nil but in development
	meter     *meter

	workspaces *workspaces
	bulkBodies sync.Pool  // of *bulkBody
	untaken    untaken    // of all listeners
	room       room       // that their clients have
	disk       lkg.Before // nil but in tests
	leftOut    leftOut
	serving    []served
	started    time.Time
}

// New checks the configuration. It starts nothing and touches nothing.
func New(c Config) (*Sidecar, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s := &Sidecar{config: c, meter: newMeter(c.Log), started: time.Now(), room: roomHere()}
	s.untaken.bound = int64(s.room.untaken)
	s.workspaces = newWorkspaces(s.meter)
	s.freshness = newFreshness(s.started, c.StaleAfter)
	s.clock = newClock(c, s.started)
	s.pins = newPins(c)
	s.holder = newHolder(c, s.freshness, s.clock, s.pins)
	return s, nil
}

// Run serves until ctx ends, then lets running requests finish. An error means that it could not listen, or that a development file
// could not be read at all; a store that is away is none.
func (s *Sidecar) Run(ctx context.Context) error {
	if err := s.listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	defer func() {
		cancel()
		group.Wait()
		s.holder.close()
	}()
	if err := s.prepare(ctx, &group); err != nil {
		closeAll(s.serving)
		return err
	}
	return serveAll(ctx, s.serving)
}

// prepare brings in what flags there are at once, and starts whatever keeps them current.
func (s *Sidecar) prepare(ctx context.Context, group *sync.WaitGroup) error {
	if s.config.FlagsFile != "" {
		return s.develop(ctx, group)
	}
	return s.follow(ctx, group)
}

// follow restores what the disk holds and polls the store from there.
func (s *Sidecar) follow(ctx context.Context, group *sync.WaitGroup) error {
	if s.config.StateDir != "" {
		s.keeper = newKeeper(lkg.Path(s.config.StateDir), s.disk, s.config.Log)
		s.keeper.retain(s.config.Retain)
		s.holder.keeper = s.keeper
		group.Go(func() { s.keeper.run(ctx) })
	}
	known, late := s.restore(ctx, group)
	loop, err := pull.New(pull.Config{
		Source: s.config.Source, Sink: s.holder, Attempt: s.holder.attempt, Policy: s.policy(),
		Known: known, Late: late, MinRevision: s.config.MinRevision,
		Interval: s.config.Poll, StaleAfter: s.config.StaleAfter, Random: s.config.Random, Log: s.config.Log.Named("pull"),
	})
	if err != nil {
		return err
	}
	s.loop = loop
	group.Go(func() { loop.Run(ctx) })
	group.Go(func() { s.backfill(ctx) })
	return nil
}

// listen opens every listener before anything is served, so that a wrong address is said at once.
func (s *Sidecar) listen() error {
	evaluations := 0
	for _, address := range []string{s.config.Socket, s.config.Listen} {
		if address != "" {
			evaluations++
		}
	}
	forEach, forAdmin := shares(spareDescriptors(), evaluations)
	evaluation := evaluationLimits
	evaluation.connections = max(s.room.connections/max(evaluations, 1), 1)
	if path := s.config.Socket; path != "" {
		ln, err := listenSocket(path, s.config.SocketMode)
		if err := s.add("socket", ln, err, s.evaluation(), evaluation.within(forEach)); err != nil {
			return err
		}
	}
	if address := s.config.Listen; address != "" {
		ln, err := net.Listen("tcp", address)
		if err := s.add("tcp", ln, err, s.evaluation(), evaluation.within(forEach)); err != nil {
			return err
		}
	}
	if address := s.config.Admin; address != "" {
		ln, err := net.Listen("tcp", address)
		if err := s.add("admin", ln, err, s.admin(), adminLimits.within(forAdmin)); err != nil {
			return err
		}
	}
	return nil
}

// add puts a listener with a server of its own among those that are served, unless err says that it could not be opened.
func (s *Sidecar) add(name string, ln net.Listener, err error, h handler, l limits) error {
	if err != nil {
		closeAll(s.serving)
		return fmt.Errorf("listen (%s): %w", name, err)
	}
	s.config.Log.Info("listening", "for", name, "address", ln.Addr().String())
	if address, ok := ln.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() && name == "tcp" {
		s.config.Log.Warn("whoever reaches this address can evaluate flags; 127.0.0.1 keeps it to the pod", "address", address.String())
	}
	s.serving = append(s.serving, newServed(name, ln, s.meter, h, l))
	return nil
}
