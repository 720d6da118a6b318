package cli

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"text/tabwriter"

	"nacre/server/settings"
)

// ClusterCmd holds the commands for clusters.
type ClusterCmd struct {
	NewKey   NewKeyCmd   `cmd:"" name:"new-key" help:"Print a fresh cluster key."`
	Members  MembersCmd  `cmd:"" help:"Print the members, how they do, and who leads."`
	Remove   RemoveCmd   `cmd:"" help:"Take a member out of the cluster."`
	Transfer TransferCmd `cmd:"" name:"transfer-leader" help:"Have another member lead."`
	Recover  RecoverCmd  `cmd:"" help:"Go on with one node alone when a majority of the others is lost for good."`
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

// clusterState is what the server says of its cluster.
type clusterState struct {
	ID, Leader, Waiting     string
	Voters, Reached, Needed int
	Members                 []struct {
		ID, Address, Version, State, Why, Role string
		Lag                                    uint64
	}
}

// MembersCmd prints the members.
type MembersCmd struct {
	serverFlags
}

// Run implements the command.
func (c *MembersCmd) Run(env *Env) error {
	server, err := c.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	var s clusterState
	if err := server.call(env.Context(), http.MethodGet, "/cluster", nil, nil, &s); err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ADDRESS\tSTATE\tROLE\tLAG\tVERSION\tID\tWHY")
	for _, m := range s.Members {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", orDash(m.Address), m.State, m.Role, m.Lag, orDash(m.Version), orDash(m.ID), orDash(m.Why))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Waiting != "" {
		fmt.Fprintf(env.Stdout, "This node is not ready: %s.\n", s.Waiting)
	}
	if s.Voters > 0 {
		fmt.Fprintf(env.Stdout, "Of %d voting members %d are reached, %d are needed; %d more may fail.\n", s.Voters, s.Reached, s.Needed, max(0, s.Reached-s.Needed))
	}
	return nil
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// RemoveCmd takes a member out.
type RemoveCmd struct {
	Member string `arg:"" help:"Its id, the begin of it, or its host:port."`
	Force  bool   `help:"Remove it though the others can't decide without it then: the cluster may stand still."`
	serverFlags
}

// Help implements kong.HelpProvider.
func (*RemoveCmd) Help() string {
	return "The node that was removed must come back with an empty data folder. It is refused where too few of the others can be reached; --force does it all the same."
}

// Run implements the command.
func (c *RemoveCmd) Run(env *Env) error {
	return change(env, &c.serverFlags, "/cluster/remove", map[string]any{"member": c.Member, "force": c.Force}, c.Member+" was removed.")
}

// TransferCmd has another member lead.
type TransferCmd struct {
	To string `arg:"" optional:"" help:"The id, the begin of it, or the host:port of the node that is to lead (default: one that has caught up)."`
	serverFlags
}

// Run implements the command.
func (c *TransferCmd) Run(env *Env) error {
	return change(env, &c.serverFlags, "/cluster/transfer", map[string]any{"to": c.To}, "The lead was handed over.")
}

// change has the server do something with its cluster.
func change(env *Env, flags *serverFlags, path string, in map[string]any, done string) error {
	server, err := flags.client(env)
	if err != nil {
		return err
	}
	defer server.close()
	var out struct{ Done bool }
	if err := server.call(env.Context(), http.MethodPost, path, nil, in, &out); err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, done)
	return err
}

// RecoverCmd makes a node the only one of a new cluster.
type RecoverCmd struct {
	ForceSingle bool   `name:"force-single" help:"Do it: what only the lost nodes held is gone."`
	DataDir     string `name:"data-dir" default:"./data" placeholder:"DIR" help:"The data folder of the node, which must be stopped."`
}

// Help implements kong.HelpProvider.
func (*RecoverCmd) Help() string {
	return "For when a majority of the members is lost for good. Take the node with the most entries (nacre cluster members, or the last lines of the logs). " +
		"Its folder becomes a new cluster of this node alone, with all that it holds; start it with --mode cluster. " +
		"The other nodes have to come back with empty data folders: they are refused with their old ones."
}

// Run implements the command.
func (c *RecoverCmd) Run(env *Env) error {
	if !c.ForceSingle {
		return Usage("writes that only the lost nodes held will be gone, and no other node may come back with its data; give --force-single to do it")
	}
	set := settings.Default()
	set.DataDir = c.DataDir
	id, err := env.Recover(env.Context(), set, newLogger(settings.LogText, slog.LevelWarn, env.Stderr))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "The node in %s is now cluster %s, alone. Start it with --mode cluster; the others join with empty data folders.\n", c.DataDir, id)
	return err
}
