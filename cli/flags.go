package cli

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"nacre/server/settings"
)

// given is a flag of a setting: it only notes what was said, package settings judges it.
type given struct {
	is    bool
	value string
}

// Decode implements kong.MapperValue.
func (g *given) Decode(ctx *kong.DecodeContext) error {
	g.is = true
	return ctx.Scan.PopValueInto("value", &g.value)
}

// givenBare is a flag that means "on" when no value follows.
type givenBare given

// IsBool implements kong.BoolMapperValue.
func (g *givenBare) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (g *givenBare) Decode(ctx *kong.DecodeContext) error {
	g.is, g.value = true, "on"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		g.value = fmt.Sprint(ctx.Scan.Pop().Value)
	}
	return nil
}

// settingFlags gives a command one flag for each setting. The list of settings is in package
// settings alone; kong wants a struct, which is made from that list.
type settingFlags struct {
	kong.Plugins
	lines  []settings.Line
	target reflect.Value
}

func (f *settingFlags) init() {
	f.lines = settings.Default().Describe()
	fields := make([]reflect.StructField, len(f.lines))
	for i, l := range f.lines {
		kind, values := reflect.TypeFor[given](), l.Values
		if l.Bare {
			kind = reflect.TypeFor[givenBare]()
		}
		help := l.Help
		if l.Default != "" && !l.Bare {
			help = fmt.Sprintf("%s Default %s.", help, l.Default)
		}
		help = fmt.Sprintf("%s ($$%s)", help, l.Env)
		fields[i] = reflect.StructField{
			Name: "F" + strings.ReplaceAll(l.Name, "-", "_"),
			Type: kind,
			Tag:  reflect.StructTag(fmt.Sprintf("name:%q help:%q placeholder:%q", l.Name, help, values)),
		}
	}
	f.target = reflect.New(reflect.StructOf(fields))
	f.Plugins = kong.Plugins{f.target.Interface()}
}

// load returns the settings that flags, environment and file give.
func (f *settingFlags) load(environ []string) (settings.Settings, []string, error) {
	flags := make(map[string]string)
	for i, l := range f.lines {
		switch g := f.target.Elem().Field(i).Interface().(type) {
		case given:
			if g.is {
				flags[l.Name] = g.value
			}
		case givenBare:
			if g.is {
				flags[l.Name] = g.value
			}
		}
	}
	return settings.Load(settings.Input{Flags: flags, Environ: environ})
}
