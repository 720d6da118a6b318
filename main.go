// Nacre is a server for configurations that speaks Nacos' protocols.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"nacre/cli"
	"nacre/server"
)

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	// The first signal stops the server in order; a second one ends the process at once.
	context.AfterFunc(ctx, restore)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Env{
		Stdin:   os.Stdin,
		Stdout:  os.Stdout,
		Stderr:  os.Stderr,
		Environ: os.Environ(),
		Serve:   server.Run,
		Recover: server.RecoverSingle,
		Plan:    server.PlanMySQL,
	}))
}
