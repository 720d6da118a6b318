package cli

import (
	"io"
	"log/slog"

	"nacre/server/release"
	"nacre/server/settings"
)

// ServeCmd runs a server.
type ServeCmd struct {
	settingFlags
}

// Help implements kong.HelpProvider.
func (*ServeCmd) Help() string {
	return "A flag wins over its environment variable, that over the file named by --config, that over the default. " +
		"SIGTERM and SIGINT stop the server; the exit code is then 0. It is 2 for wrong settings, and 1 for a failure while running."
}

// Run implements the command.
func (c *ServeCmd) Run(env *Env) error {
	s, warnings, err := c.load(env.Environ)
	if err != nil {
		return err
	}
	level := &slog.LevelVar{}
	level.Set(s.LogLevel)
	log := newLogger(s.LogFormat, level, env.Stderr)
	slog.SetDefault(log)
	for _, w := range warnings {
		slog.Warn(w)
	}
	if s.Insecure {
		log.Warn("anybody who reaches http-addr can read and change every configuration, as --insecure allows it", "http-addr", s.HTTPAddr)
	}
	info := release.Get()
	log.Info("starting", "version", info.Version, "commit", info.Commit, "go", info.Go, "data-dir", s.DataDir)
	if err := env.Serve(env.Context(), s, log, level); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

func newLogger(format string, level slog.Leveler, w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == settings.LogJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
