package nacre

import (
	"encoding/json"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"nacre/server/naming"
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func TestTargetsAreJSONWhateverTheMetadata(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-b._"\\-]{1,3}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		pairs := rapid.MapOf(text, text).Draw(t, "metadata")
		k := naming.Key{Namespace: "dev", Group: "g", Name: rapid.String().Draw(t, "name")}
		var w targetWriter
		w.add(k, &naming.Instance{IP: "::1", Port: 80, Cluster: "c", Weight: 2.5, Metadata: naming.MetadataOf(pairs)})
		var got targetGroup
		if err := json.Unmarshal(w.body, &got); err != nil {
			t.Fatalf("%v: %s", err, w.body)
		}
		want := map[string]bool{}
		for key := range pairs {
			want[labelOf(key)] = true
		}
		if len(got.Targets) != 1 || got.Targets[0] != "[::1]:80" || len(got.Labels) != 6+len(want) || got.Labels["__meta_nacre_service"] != k.Name || got.Labels["__meta_nacre_weight"] != "2.5" {
			t.Fatalf("%s", w.body)
		}
		for name := range got.Labels {
			if !labelName.MatchString(name) {
				t.Fatalf("Prometheus takes no label %q", name)
			}
		}
	})
}
