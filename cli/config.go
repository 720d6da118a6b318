package cli

import (
	"fmt"
	"text/tabwriter"
)

// ConfigCmd groups the commands on settings.
type ConfigCmd struct {
	Check CheckCmd `cmd:"" help:"Print every setting, its value and where it comes from; exit with 2 when one is wrong."`
}

// CheckCmd prints the settings that serve would run with.
type CheckCmd struct {
	settingFlags
}

// Run implements the command. It starts nothing and touches no data.
func (c *CheckCmd) Run(env *Env) error {
	s, warnings, wrong := c.load(env.Environ)
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, l := range s.Describe() {
		value := l.Value
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", l.Name, value, l.From)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, text := range warnings {
		fmt.Fprintf(env.Stderr, "nacre: warning: %s\n", text)
	}
	return wrong
}
