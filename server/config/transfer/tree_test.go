package transfer

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/resource"
)

func TestFilesAndConfigurationsHaveOneNameForEachOther(t *testing.T) {
	for _, c := range []struct{ name, root, path, group, dataID string }{
		{"as in Nacos' ZIP", "", "DEFAULT_GROUP/app.yaml", "DEFAULT_GROUP", "app.yaml"},
		{"at the root", "DEFAULT_GROUP", "hosts", "DEFAULT_GROUP", "hosts"},
		{"in a folder beside root files", "DEFAULT_GROUP", "apt/sources.list", "apt", "sources.list"},
		{"deep", "DEFAULT_GROUP", "systemd/system/dbus.service", "systemd", "system:dbus.service"},
		{"a name with a colon that Dubbo makes", "", "dubbo/com.acme.Order/1.0.0/provider/shop", "dubbo", "com.acme.Order:1.0.0:provider:shop"},
		{"an at sign", "DEFAULT_GROUP", "systemd/getty@.service", "systemd", "getty::40.service"},
		{"a blank", "DEFAULT_GROUP", "my notes.txt", "DEFAULT_GROUP", "my::20notes.txt"},
		{"a colon in a file's name", "DEFAULT_GROUP", "a:b", "DEFAULT_GROUP", "a::3Ab"},
		{"a blank after a slash", "DEFAULT_GROUP", "g/d/ x", "g", "d:::20x"},
		{"other letters", "DEFAULT_GROUP", "配置/é", "::E9::85::8D::E7::BD::AE", "::C3::A9"},
		{"bytes that are no letters", "DEFAULT_GROUP", "g/\xff\x01", "g", "::FF::01"},
		{"a name that no path becomes", "", "dubbo/=com.acme.Order::.configurators", "dubbo", "com.acme.Order::.configurators"},
		{"a name that would lead out", "", "=../=..", "..", ".."},
		{"a name that would lead out below", "", "g/=a:..:b", "g", "a:..:b"},
		{"a name that ends with a colon", "", "g/=a:", "g", "a:"},
		{"a group with a colon", "", "=a:b/c", "a:b", "c"},
		{"lower-case digits", "", "g/=a::3ab", "g", "a::3ab"},
		{"an escape that is not needed", "", "g/=a::41", "g", "a::41"},
		{"a NUL", "", "g/=a::00", "g", "a::00"},
		{"a file whose name begins with the mark", "", "g/=x", "g", "::3Dx"},
		{"a file that looks as if it held a name", "", "g/=::3Da::3A", "g", "::3Da::3A"},
		{"a folder of the root group's name, deeper", "DEFAULT_GROUP", "DEFAULT_GROUP/a/b", "DEFAULT_GROUP", "a:b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := Layout{RootGroup: c.root}
			n, err := l.Key(c.path)
			if err != nil || n != (Name{c.group, c.dataID}) {
				t.Errorf("Key(%q) = %v, %v; want %s/%s", c.path, n, err, c.group, c.dataID)
			}
			if p := l.Path(Name{c.group, c.dataID}); p != c.path {
				t.Errorf("Path = %q, want %q", p, c.path)
			}
		})
	}
}

func TestTheDocumentedNamesAreTheRealOnes(t *testing.T) {
	b, err := os.ReadFile("../../../docs/import.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| `([^`]+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(string(b), -1)
	if len(rows) < 10 {
		t.Fatalf("docs/import.md has %d examples", len(rows))
	}
	l := Layout{RootGroup: resource.DefaultGroup}
	for _, r := range rows {
		n := Name{r[2], r[3]}
		if got, err := l.Key(r[1]); err != nil || got != n || l.Path(n) != r[1] {
			t.Errorf("%s is %v (%v), and %v is %s", r[1], got, err, n, l.Path(n))
		}
	}
}

func TestPathsWithoutANameAreReported(t *testing.T) {
	for _, c := range []struct{ name, root, path, want string }{
		{"the folder that has the root group's name", "DEFAULT_GROUP", "DEFAULT_GROUP/app.yaml", "--root-group"},
		{"a file at the root where every group has a folder", "", "README", "no folder"},
		{"a group that is too long", "", strings.Repeat("g", 129) + "/a", "129 characters, at most 128"},
		{"a dataId that is too long", "", "g/" + strings.Repeat("d", 257), "257 characters, at most 256"},
		{"a dataId that escaping makes too long", "", "g/" + strings.Repeat("中", 22), "264 characters, at most 256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, err := (Layout{RootGroup: c.root}).Key(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Key(%q) = %v, %v; want an error with %q", c.path, n, err, c.want)
			}
		})
	}
}

// pathGen draws paths with a leaning to what the rule has to tell apart.
func pathGen() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("aZ0_.-:= @%中\x01")), 1, 8, -1),
		rapid.SampledFrom([]string{"DEFAULT_GROUP", "=", "==", "=a:b:", "=::3Da", "=a::00", "::", ":::", "=.", "=..", "\xff\xfe", "=::3D::3Da::3A"}),
	).Filter(func(s string) bool { return !dots(s) })
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 1, 4).Draw(t, "parts"), "/")
	})
}

func layoutGen() *rapid.Generator[Layout] {
	return rapid.Map(rapid.SampledFrom([]string{"", "DEFAULT_GROUP", "a", "a:b"}), func(g string) Layout { return Layout{RootGroup: g} })
}

func TestAFileComesBackUnderItsPath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, path := layoutGen().Draw(t, "layout"), pathGen().Draw(t, "path")
		n, err := l.Key(path)
		if err != nil {
			return
		}
		if err := resource.CheckKey(resource.ConfigKey{Namespace: "n", Group: n.Group, DataID: n.DataID}); err != nil {
			t.Fatalf("Key(%q) = %v: %v", path, n, err)
		}
		if back := l.Path(n); back != path {
			t.Fatalf("%q became %v and came back as %q", path, n, back)
		}
	})
}

func TestAConfigurationComesBackUnderItsName(t *testing.T) {
	name := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("aAF03_.-:::")), 1, 12, -1),
		rapid.SampledFrom([]string{".", "..", "a:..:b", "::3D", "::3Da::3A", "::00", "::2F", "::2E", "::2E::2E", "a:::41"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		l := layoutGen().Draw(t, "layout")
		n := Name{name.Draw(t, "group"), name.Draw(t, "dataId")}
		path := l.Path(n)
		if !safe(path) {
			t.Fatalf("%v is the file %q", n, path)
		}
		if back, err := l.Key(path); err != nil || back != n {
			t.Fatalf("%v was the file %q and came back as %v, %v", n, path, back, err)
		}
	})
}

func safe(path string) bool {
	parts := strings.Split(path, "/")
	return !strings.Contains(path, "\x00") && !slices.ContainsFunc(parts, func(p string) bool { return p == "" || dots(p) })
}

func FuzzPathToKey(f *testing.F) {
	for _, s := range []string{"a/b", "a/=b:", "a:b/c d", "=/=", "x"} {
		f.Add(s, "DEFAULT_GROUP")
	}
	f.Fuzz(func(t *testing.T, path, root string) {
		if !safe(path) || resource.CheckName(resource.FieldGroup, root) != nil {
			return
		}
		l := Layout{RootGroup: root}
		n, err := l.Key(path)
		if err != nil {
			return
		}
		if back := l.Path(n); back != path {
			t.Fatalf("%q became %v and came back as %q", path, n, back)
		}
	})
}
