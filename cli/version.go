package cli

import (
	"fmt"

	"nacre/server/release"
)

// VersionCmd prints which Nacre this is.
type VersionCmd struct{}

// Run implements the command.
func (*VersionCmd) Run(env *Env) error {
	i := release.Get()
	commit := i.Commit
	if commit == "" {
		commit = "unknown"
	}
	_, err := fmt.Fprintf(env.Stdout, "nacre %s\ncommit %s\n%s %s\n", i.Version, commit, i.Go, i.Platform)
	return err
}
