package sidecar

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle"
)

const (
	clockNoise  = time.Second          // what is not worth following
	longestStop = 365 * 24 * time.Hour // a state folder that lay for longer is less likely than a clock that is ahead
)

// clock tells the time and judges the machine's clock. It counts on the monotonic clock from a moment at which the machine's was read,
// so that a jump of that one changes neither what was noted nor what will be. The machine's is compared with this counting, and with
// moments that are past for sure; where they do not agree it is suspect, and nothing expires by it. Signed heads vouch for it: one that
// was published just now tells the time.
type clock struct {
	wall    func() time.Time // the machine's, where a test gives it; nil takes each reading's own
	built   time.Time        // when the program was; zero where that is not known
	follows bool             // the machine's clock is believed whatever it says: development
	log     hclog.Logger

	mu       sync.Mutex
	read     time.Time     // a reading of the moment at which the machine's clock was believed
	told     time.Time     // what it said then
	shift    time.Duration // how far it was set since, within the slack
	recalled time.Time     // the last confirmation before this process, as the disk has it
	doubted  bool          // the last judgement, so that the log has each change once
}

func newClock(c Config, now time.Time) *clock {
	k := &clock{wall: c.Wall, built: buildTime(), follows: c.FlagsFile != "", log: c.Log.Named("clock"), read: now}
	k.told = k.machine(now)
	return k
}

// buildTime is that of the commit that the program was built from.
func buildTime() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ := time.Parse(time.RFC3339, s.Value) // zero where it is none
			return at
		}
	}
	return time.Time{}
}

// machine is what the machine's clock says, right or wrong, at a reading of time.Now.
func (c *clock) machine(reading time.Time) time.Time {
	if c.wall != nil {
		return c.wall().Round(0)
	}
	return reading.Round(0)
}

// at is the time of a reading, past or coming, as it is shown and kept; zero stays zero.
func (c *clock) at(reading time.Time) time.Time {
	if reading.IsZero() {
		return reading
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count(reading)
}

var lastMoment = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC) // of RFC 3339, without which JSON has no time

func (c *clock) count(reading time.Time) time.Time {
	at := c.told.Add(reading.Sub(c.read) + c.shift).UTC()
	if at.After(lastMoment) {
		return lastMoment
	}
	return at
}

// judge says why the machine's clock is suspect, or "". The newest head was published at the time given; zero where there is none.
func (c *clock) judge(now, published time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	machine := c.machine(now)
	if c.follows {
		c.read, c.told = now, machine
		return ""
	}
	moved := machine.Sub(c.told.Add(now.Sub(c.read)))
	if moved.Abs() <= bundle.ClockSlack && (moved-c.shift).Abs() >= clockNoise {
		c.shift = moved
	}
	why := c.impossible(machine, published)
	if moved.Abs() > bundle.ClockSlack {
		why = fmt.Sprintf("moved %v against its own counting since %s", moved.Round(time.Second), c.told.UTC().Format(time.RFC3339))
	}
	c.say(why)
	return why
}

// impossible tells what speaks against a time, or "".
func (c *clock) impossible(at, published time.Time) string {
	for _, past := range []struct {
		at   time.Time
		what string
	}{
		{published, "at which its flags were published"},
		{c.recalled, "at which the store confirmed the flags on disk"},
		{c.built, "at which this program was built"},
	} {
		if behind := past.at.Sub(at); behind > bundle.ClockSlack {
			return fmt.Sprintf("is %v before the time %s", behind.Round(time.Second), past.what)
		}
	}
	if stop := at.Sub(c.recalled); !c.recalled.IsZero() && c.told.Sub(c.recalled) > longestStop {
		return fmt.Sprintf("is %v after the store confirmed the flags on disk", stop.Round(time.Second))
	}
	return ""
}

func (c *clock) say(why string) {
	switch doubted := why != ""; {
	case doubted && !c.doubted:
		c.log.Warn("this machine's time is not believed", "it", why)
	case !doubted && c.doubted:
		c.log.Info("this machine's time is believed again")
	}
	c.doubted = why != ""
}

// vouch takes the time from a signed head that the store has just begun to give, if it was published just now by the machine's clock.
func (c *clock) vouch(now, published time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if machine := c.machine(now); machine.Sub(published).Abs() <= bundle.ClockSlack {
		c.read, c.told, c.shift, c.recalled = now, machine, 0, time.Time{}
	}
}

// recall takes when the store confirmed what the disk holds, and gives how long ago that was, if that can be known.
func (c *clock) recall(confirmed, now, published time.Time) (age time.Duration, known bool) {
	c.mu.Lock()
	c.recalled = confirmed
	c.mu.Unlock()
	if confirmed.IsZero() || c.judge(now, published) != "" {
		return 0, false
	}
	age = c.at(now).Sub(confirmed)
	return age, age >= 0 // a clock that is behind, if only a little, tells no age
}

// keeps gives the time of a reading as the disk may have it: no time is better than a wrong one.
func (c *clock) keeps(reading, published time.Time) (at time.Time, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at = c.count(reading)
	return at, c.impossible(at, published) == ""
}
