package nacre

import "net/http"

// archiveOperations are the rows of what moves everything.
func archiveOperations() []operation {
	faults := []int{http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable}
	return []operation{
		jsonOperation(operation{
			id: "openArchive", method: http.MethodPost, path: "/archive/tickets", summary: "Lets an administrator move everything out of this server, or into it.",
			faults: faults, example: ticketAnswer{"VQ3RJ5X2KDLJXQ2SRPW4M7FMUA", 1},
		}, (*api).openArchive),
		jsonOperation(operation{
			id: "closeArchive", method: http.MethodDelete, path: "/archive/tickets", summary: "Ends what openArchive began.", example: existedAnswer{true},
		}, (*api).closeArchive),
		rawOperation(operation{
			id: "exportEverything", method: http.MethodGet, path: "/archive", summary: "Everything that must not be lost, as it is at one revision.",
			text: "Configurations with their variants and history, quotas, namespaces, users with the hashes of their passwords, and what the registry keeps. " +
				"Not: sessions, drafts, and what lives by connections and heartbeats. It is a gzip of lines of JSON, the last of which has the counts and the SHA-256 of all before it.",
			media: mediaGzip, faults: faults,
		}, (*api).archive),
		jsonOperation(operation{
			id: "importRows", method: http.MethodPost, path: "/archive/rows", summary: "Takes rows of an archive over, or says what would become of them.",
			text:   "What is there already is left alone: a request may be sent again. Clients are told of configurations that change.",
			faults: faults, example: takeAnswer{Rows: []takenRow{{State: "new"}}, Held: []heldCount{{"config", 1, "5eb63bbbe01eeed093cb22bb8f5acdc3"}}},
		}, (*api).takeRows),
	}
}
