package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Source says where a value came from: "default", "flag --x", "environment NACRE_X" or "file PATH".
type Source string

// FromDefault is the source of a value that nobody set.
const FromDefault Source = "default"

// EnvPrefix stands before the name of every environment variable of ours.
const EnvPrefix = "NACRE_"

// Error is a setting that cannot be right.
type Error struct {
	// Setting is its name, Value what was given, secrets masked.
	Setting, Value string
	// Want says what would be right, or why it is refused.
	Want string
	// From is where the value came from.
	From Source
}

// Error returns one sentence that names the setting, its value, where it came from and what would be right.
func (e *Error) Error() string {
	if e.From == "" || e.From == FromDefault {
		return fmt.Sprintf("%s %q: %s", e.Setting, e.Value, e.Want)
	}
	return fmt.Sprintf("%s %q (%s): %s", e.Setting, e.Value, e.From, e.Want)
}

func wrong(setting, value, want string, args ...any) *Error {
	return &Error{Setting: setting, Value: value, Want: fmt.Sprintf(want, args...)}
}

// Env returns the environment variable of a setting.
func Env(name string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// Input is what Load reads settings from.
type Input struct {
	// Flags are the flags that were given, by name.
	Flags map[string]string
	// Environ is the environment as os.Environ returns it.
	Environ []string
}

// Load returns the settings that in gives, checked. It reads the configuration file. The error holds
// one *Error for each setting that is wrong. Warnings are sentences about what was ignored.
func Load(in Input) (s Settings, warnings []string, err error) {
	s = Default()
	s.from = make(map[string]Source, len(options))
	env := environ(in.Environ)
	// The file's path is a setting too, so it is found first.
	path, from := env[Env("config")], Source("environment "+Env("config"))
	if p, ok := in.Flags["config"]; ok {
		path, from = p, "flag --config"
	}
	var file map[string]string
	if path != "" {
		if file, err = readFile(path); err != nil {
			e := wrong("config", path, "%s", err)
			e.From = from
			return s, nil, e
		}
	}
	var errs []error
	for _, o := range options {
		value, src, ok := "", Source(""), false
		if value, ok = in.Flags[o.name]; ok {
			src = Source("flag --" + o.name)
		} else if value, ok = env[Env(o.name)]; ok {
			src = Source("environment " + Env(o.name))
		} else if value, ok = file[o.name]; ok {
			src = Source("file " + path)
		} else {
			continue
		}
		s.from[o.name] = src
		if err := o.set(&s, value); err != nil {
			errs = append(errs, s.sourced(err))
		}
	}
	s.ClusterKey = env[keyEnv]
	if len(errs) > 0 {
		return s, nil, errors.Join(errs...)
	}
	return s, unknownEnv(env), s.Validate()
}

func environ(list []string) map[string]string {
	env := make(map[string]string)
	for _, pair := range list {
		// An empty variable is one that is not set, as compose files and shells mean it.
		if name, value, _ := strings.Cut(pair, "="); strings.HasPrefix(name, EnvPrefix) && value != "" {
			env[name] = value
		}
	}
	return env
}

// notSettings are variables of ours that are no settings; Kubernetes makes some for a service called nacre.
var notSettings = []string{"NACRE_TEST_", "NACRE_PROFILE_", "NACRE_ADMIN_PASSWORD", "NACRE_CLUSTER_KEY", "NACRE_SERVER", "NACRE_SERVICE_", "NACRE_PORT"}

func unknownEnv(env map[string]string) []string {
	var warnings []string
	for name := range env {
		known := slices.ContainsFunc(options, func(o option) bool { return Env(o.name) == name }) ||
			slices.ContainsFunc(notSettings, func(p string) bool { return strings.HasPrefix(name, p) })
		if !known {
			setting := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, EnvPrefix), "_", "-"))
			warnings = append(warnings, fmt.Sprintf("environment variable %s is no setting and was ignored%s", name, nearest(setting, Env)))
		}
	}
	slices.Sort(warnings)
	return warnings
}

func readFile(path string) (map[string]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fmt.Errorf("must be a readable YAML file: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("must be YAML: %w", err)
	}
	values := make(map[string]string)
	if len(doc.Content) == 0 {
		return values, nil // an empty file sets nothing
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: must be a list of `name: value`, one a line", top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, val := top.Content[i], top.Content[i+1]
		name := key.Value
		o := find(name)
		switch {
		case o == nil:
			return nil, fmt.Errorf("line %d: %q is no setting%s", key.Line, name, nearest(name, nil))
		case name == "config":
			return nil, fmt.Errorf("line %d: a configuration file cannot name another one", key.Line)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("line %d: %q stands there twice", key.Line, name)
		}
		text, ok := scalar(val)
		if !ok {
			return nil, fmt.Errorf("line %d: the value of %q must be one value or a list of values", val.Line, name)
		}
		values[name] = text
	}
	return values, nil
}

func scalar(n *yaml.Node) (string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", true
		}
		return n.Value, true
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", false
			}
			items[i] = c.Value
		}
		return strings.Join(items, ","), true
	}
	return "", false
}

func find(name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

// nearest returns "; did you mean x?" for the setting that differs least from name, "" when none is near.
func nearest(name string, as func(string) string) string {
	best, least := "", 4
	for _, o := range options {
		if d := distance(name, o.name); d < least {
			best, least = o.name, d
		}
	}
	if best == "" {
		return ""
	}
	if as != nil {
		best = as(best)
	}
	return "; did you mean " + best + "?"
}

// distance is how many single letters must change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}

func (s *Settings) sourced(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	if from, ok := s.from[c.Setting]; ok {
		c.From = from
	}
	if o := find(c.Setting); o != nil && o.secret && c.Value != "" {
		c.Value = masked
	}
	return &c
}
