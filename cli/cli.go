// Package cli is the command line of nacre: which commands there are, and the exit code of each.
//
// Every command is a struct with a Run(*Env) error method and a field in root.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"nacre/server/settings"
)

// Exit codes of the process.
const (
	ExitOK    = 0 // done, or stopped because it was told to
	ExitFail  = 1 // failed while running
	ExitUsage = 2 // wrong settings or arguments
)

// Env is what commands work with beside their arguments.
type Env struct {
	Stdout, Stderr io.Writer
	// Stdin answers questions where it is a terminal; nil means that nobody can be asked.
	Stdin io.Reader
	// Environ is the environment as os.Environ returns it.
	Environ []string
	// Serve runs a server until ctx ends and it has stopped. level is that of log, and may be changed.
	Serve func(ctx context.Context, s settings.Settings, log *slog.Logger, level *slog.LevelVar) error

	// Recover makes the node of a data folder the only member of a new cluster, and returns the cluster's id.
	Recover func(ctx context.Context, s settings.Settings, log *slog.Logger) (string, error)

	// Plan returns the SQL that a start would execute to bring the tables of the MySQL database up to date.
	Plan func(ctx context.Context, s settings.Settings) ([]string, error)

	ctx context.Context
}

// Context ends when the process is told to stop.
func (e *Env) Context() context.Context { return e.ctx }

// root is the list of commands.
type root struct {
	Serve   ServeCmd   `cmd:"" default:"withargs" help:"Run a server."`
	Version VersionCmd `cmd:"" help:"Print the version."`
	Config  ConfigCmd  `cmd:"" help:"Look at settings."`
	Import  ImportCmd  `cmd:"" help:"Publish the configurations of a ZIP or a folder; shows first what that changes."`
	Export  ExportCmd  `cmd:"" help:"Write the configurations of a namespace to a ZIP or a folder."`
	Cluster ClusterCmd `cmd:"" help:"Look after a cluster."`
	Migrate MigrateCmd `cmd:"" help:"Show what a start would change in the tables of a MySQL database."`
	Watch   WatchCmd   `cmd:"" help:"Print what happens on a server, as it happens."`
}

// UsageError is an argument or setting that cannot be right; the process ends with ExitUsage.
type UsageError struct{ Err error }

// Error returns the text of what is wrong.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *UsageError) Unwrap() error { return e.Err }

// Usage returns a UsageError with the text that format and args give.
func Usage(format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// stop is how kong's request to end the process (after --help) comes back through its call stack.
type stop int

// Main runs the command that args name and returns the process' exit code. ctx ends when the process
// is told to stop.
func Main(ctx context.Context, args []string, env Env) (code int) {
	env.ctx = ctx
	commands := &root{}
	commands.Serve.init()
	commands.Config.Check.init()
	parser, err := kong.New(commands,
		kong.Name("nacre"),
		kong.Description("Nacre keeps configurations and tells clients of their changes. It speaks Nacos' protocols."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { panic(stop(code)) }),
	)
	if err != nil {
		panic(err) // the struct above is wrong, not what the operator typed
	}
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(stop)
			if !ok {
				panic(r)
			}
			code = int(s)
		}
	}()
	call, err := parser.Parse(args)
	if err != nil {
		err = &UsageError{Err: fmt.Errorf("%w\nRun `nacre --help` for the commands, and `nacre COMMAND --help` for what each takes.", err)}
		return report(env.Stderr, err)
	}
	return report(env.Stderr, call.Run(&env))
}

func report(w io.Writer, err error) int {
	if err == nil {
		return ExitOK
	}
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		fmt.Fprintf(w, "nacre: %s\n", line)
	}
	var usage *UsageError
	var wrong *settings.Error
	if errors.As(err, &usage) || errors.As(err, &wrong) {
		return ExitUsage
	}
	return ExitFail
}
