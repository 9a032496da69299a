// SPDX-License-Identifier: Apache-2.0

import Maintenance
import ObjectStorage
import ParquetFormat
import RowSets

// Where pages without a dictionary were moved as they are, the same bytes stand on both sides, and
// what they decode to needs no look. Nobody has to say which these are: where the stored pages of
// all files agree, one after the other, they were moved.
extension RewriteProof {
    /// Whether the pages of a column are the same in the new files as in the old ones, in the same
    /// order; false where that is not so, or cannot be told without a look at values.
    func hasSamePages(_ leaf: ParquetColumn, _ outputs: [File]) async throws(GroupFailure) -> Bool {
        guard leaf.maximumRepetitionLevel == 0, let (old, new) = chunks(of: leaf, outputs),
            Self.pageCount(old) == Self.pageCount(new), Self.pageCount(old) != nil
        else { return false }
        let read: OrderedDigest?
        let written: OrderedDigest?
        do throws(ParquetReadError<MaintenanceError>) {
            read = try await Self.digest(of: old)
        } catch { throw GroupFailure(error, in: "a data file") }
        do throws(ParquetReadError<MaintenanceError>) {
            written = try await Self.digest(of: new)
        } catch { throw Self.unreadable(error) }
        return read != nil && read == written
    }

    /// A column of a file.
    private struct Chunks {
        let file: File
        let column: Int
    }

    /// The columns whose pages would mean the same; nil where an old file has another kind of
    /// column, or rows that do not count.
    private func chunks(
        of leaf: ParquetColumn, _ outputs: [File]
    ) -> (old: [Chunks], new: [Chunks])? {
        var chunks: (old: [Chunks], new: [Chunks]) = ([], [])
        for output in outputs {
            guard let column = output.schema.columns.firstIndex(where: { $0.path == leaf.path })
            else { return nil }
            chunks.new.append(Chunks(file: output, column: column))
        }
        let wanted = Presence.levels(target, leaf.node)
        for input in inputs {
            guard let id = leaf.fieldID, input.deleted.isEmpty, !input.filledNulls.contains(id),
                let index = input.schema.columns.firstIndex(where: { $0.fieldID == id })
            else { return nil }
            let found = input.schema.columns[index]
            guard found.type == leaf.type, found.typeLength == leaf.typeLength,
                found.logicalType == leaf.logicalType, found.maximumRepetitionLevel == 0,
                found.maximumDefinitionLevel == leaf.maximumDefinitionLevel,
                Presence.levels(input.schema, found.node) == wanted
            else { return nil }
            chunks.old.append(Chunks(file: input.file, column: index))
        }
        return chunks
    }

    private static func pageCount(_ chunks: [Chunks]) -> Int? {
        var count = 0
        for chunk in chunks {
            for group in chunk.file.rowGroups {
                guard let pages = group.columns[chunk.column].metadata?.pagesWithoutDictionary
                else { return nil }
                count += pages
            }
        }
        return count
    }

    /// The digest of all pages; nil if one has positions, or a row group other values than rows.
    private static func digest(
        of chunks: [Chunks]
    ) async throws(ParquetReadError<MaintenanceError>) -> OrderedDigest? {
        var digest = OrderedDigest()
        for chunk in chunks {
            for (index, group) in chunk.file.rowGroups.enumerated() {
                var reader: StoredPageReader<DataFileSource<Storage>>
                do throws(ParquetError) {
                    reader = try StoredPageReader(
                        chunk.file, rowGroup: index, column: chunk.column)
                } catch { throw .format(error) }
                var rows: Int64 = 0
                while let page = try await reader.next() {
                    // Whatever the footer says.
                    guard !page.usesDictionary else { return nil }
                    rows += Int64(page.valueCount)
                    digest.beginRow()
                    digest.add(page.hash, place: 0, key: 0)
                    digest.add(UInt64(UInt32(bitPattern: page.valueCount)), place: 1, key: 0)
                    digest.add(UInt64(UInt32(bitPattern: page.uncompressedSize)), place: 2, key: 0)
                    for (place, part) in page.form.enumerated() {
                        digest.add(
                            UInt64(UInt32(bitPattern: part)), place: Int64(place) + 3, key: 0)
                    }
                }
                guard rows == group.rowCount else { return nil }
            }
        }
        return digest
    }
}
