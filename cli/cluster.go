package cli

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
)

// ClusterCmd holds the commands for clusters.
type ClusterCmd struct {
	NewKey NewKeyCmd `cmd:"" name:"new-key" help:"Print a fresh cluster key."`
}

// NewKeyCmd prints a key that all nodes of a cluster share.
type NewKeyCmd struct{}

// Help implements kong.HelpProvider.
func (*NewKeyCmd) Help() string {
	return "Give the same key to every node, in a file that --cluster-key-file names, or in NACRE_CLUSTER_KEY. Whoever has it can join the cluster and read and change all."
}

// Run implements the command.
func (*NewKeyCmd) Run(env *Env) error {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	_, err := fmt.Fprintln(env.Stdout, base64.RawURLEncoding.EncodeToString(raw[:]))
	return err
}
