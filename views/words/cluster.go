package words

// Cluster are the texts of the cluster.
type Cluster struct {
	Title string
}

var englishCluster = Cluster{
	Title: "Cluster",
}

var chineseCluster = Cluster{
	Title: "集群",
}
