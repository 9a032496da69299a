// SPDX-License-Identifier: Apache-2.0

import IcebergSpec
import IcebergTable
import Maintenance

extension TableMetadata {
    /// What the manifests of a spec have in common.
    func manifestKind(
        ofSpec specID: Int, _ content: ManifestContent
    ) throws(MaintenanceError) -> ManifestKind {
        guard let spec = partitionSpec(specID) else {
            throw .unreadable(reason: "the table has no partition spec \(specID)")
        }
        do throws(UnknownPartitionType) {
            return try ManifestKind(of: self, spec: spec, content: content)
        } catch {
            throw .refused(
                code: "unsupported_partition", reason: "nothing was changed: \(error)")
        }
    }
}
