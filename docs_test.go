package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"nacre/server/settings"
)

// TestEverySettingIsDocumented compares docs/operations.md with the list of settings. What it wants
// can be copied from its message.
func TestEverySettingIsDocumented(t *testing.T) {
	b, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range settings.Default().Describe() {
		def := l.Default
		if def != "" {
			def = "`" + def + "`"
		}
		row := fmt.Sprintf("| `%s` `%s` | %s | %s |", l.Name, strings.ReplaceAll(l.Values, "|", "\\|"), def, l.Help)
		if !strings.Contains(string(b), row+"\n") {
			t.Errorf("docs/operations.md lacks this row:\n%s", row)
		}
	}
}
