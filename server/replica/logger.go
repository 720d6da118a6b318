package replica

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"nacre/server/clock"
)

// logger writes raft's log lines to slog, lower than raft has them: what raft warns of, a missed
// heartbeat or an election, is its daily life, and what ends the node is logged by the node. What
// raft calls an error comes as a warning, each kind at most once in errorEvery.
type logger struct {
	to   *slog.Logger
	name string
	args []any
	said *sync.Map // message → time of the last warning
	now  clock.Clock
}

const errorEvery = 5 * time.Second

var _ hclog.Logger = (*logger)(nil)

func newLogger(to *slog.Logger, now clock.Clock) *logger {
	return &logger{to: to, said: &sync.Map{}, now: now}
}

var levels = map[hclog.Level]slog.Level{
	hclog.Trace: slog.LevelDebug - 8,
	hclog.Debug: slog.LevelDebug - 4,
	hclog.Info:  slog.LevelDebug - 4,
	hclog.Warn:  slog.LevelDebug,
	hclog.Error: slog.LevelWarn,
}

func (l *logger) enabled(level hclog.Level) bool {
	return l.to.Enabled(context.Background(), levels[level])
}

func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	if !l.enabled(level) {
		return
	}
	if level == hclog.Error {
		now := l.now.Now()
		if last, ok := l.said.Load(msg); ok && now.Sub(last.(time.Time)).Abs() < errorEvery {
			return
		}
		l.said.Store(msg, now)
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			args[i] = fmt.Sprintf(fmt.Sprint(f[0]), f[1:]...)
		}
	}
	l.to.Log(context.Background(), levels[level], msg, args...)
}

func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *logger) IsTrace() bool { return l.enabled(hclog.Trace) }
func (l *logger) IsDebug() bool { return l.enabled(hclog.Debug) }
func (l *logger) IsInfo() bool  { return l.enabled(hclog.Info) }
func (l *logger) IsWarn() bool  { return l.enabled(hclog.Warn) }
func (l *logger) IsError() bool { return l.enabled(hclog.Error) }

func (l *logger) ImpliedArgs() []any { return l.args }

func (l *logger) With(args ...any) hclog.Logger {
	w := *l
	w.to, w.args = l.to.With(args...), append(l.args[:len(l.args):len(l.args)], args...)
	return &w
}

func (l *logger) Name() string { return l.name }

func (l *logger) Named(name string) hclog.Logger {
	w := *l
	w.name = name
	return &w
}

func (l *logger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

func (l *logger) SetLevel(hclog.Level) {}

func (l *logger) GetLevel() hclog.Level { return hclog.Info }

func (l *logger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(nil), "", 0)
}

func (l *logger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return lines{l} }

type lines struct{ l *logger }

func (w lines) Write(b []byte) (int, error) {
	w.l.Info(string(b))
	return len(b), nil
}
